from __future__ import annotations

from foldline.embedded.kafka import new_cluster_id


def test_a_cluster_s_identifier_is_never_taken_for_an_option() -> None:
    assert not any(new_cluster_id().startswith("-") for _ in range(2_000))
