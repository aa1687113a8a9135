"""A log that lost its end in an unclean election and has grown again: a broker whose files go back in time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clusters import Cluster, Topics, run_until
from commands import Commands, cluster_settings
from foldline.core.batch import Partition
from foldline.embedded import embedded_servers
from foldline.kafka.topics import create_topics
from harness import rows, transition

_TOPICS = Topics("transitions", "workflows")
_PUBLISHED = [transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}") for n in range(30)]


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="foldline-truncated-") as name:
        Path(name).chmod(0o711)
        yield Path(name).resolve() / "home"


@contextmanager
def _broker(home: Path, database_url: str) -> Iterator[Cluster]:
    with embedded_servers(home) as running:
        yield Cluster(database_url, running.servers.bootstrap_servers, _TOPICS)


def test_a_log_that_was_cut_off_and_has_grown_beyond_our_position(
    home: Path, database_url: str, foldline: Commands
) -> None:
    of_partition, kept = home / "kafka" / f"{_TOPICS.transitions}-0", home / "before"
    with _broker(home, database_url) as cluster:
        names = (_TOPICS.transitions, _TOPICS.workflows)
        create_topics({"bootstrap.servers": cluster.bootstrap_servers}, incoming=names, outgoing=(), partitions=1)
        cluster.publish(_TOPICS.transitions, _PUBLISHED[:6])
    shutil.copytree(of_partition, kept)
    with _broker(home, database_url) as cluster:
        cluster.publish(_TOPICS.transitions, _PUBLISHED[6:10])
        cluster.catch_up()
    shutil.rmtree(of_partition)
    shutil.copytree(kept, of_partition)
    for checkpoint in (home / "kafka").glob("*-checkpoint"):
        checkpoint.unlink()
    with _broker(home, database_url) as cluster:
        cluster.publish(_TOPICS.transitions, _PUBLISHED[14:30])
        partition = Partition(_TOPICS.transitions, 0)
        with cluster.worker() as ours:
            run_until(ours, lambda: partition in ours.custody.stopped)
            assert "records are gone that were judged" in ours.custody.stopped[partition].problem
            assert rows(database_url, "SELECT next_offset FROM foldline_positions WHERE next_offset > 0") == [(10,)]
            foldline.set(**cluster_settings(database_url, cluster.bootstrap_servers, _TOPICS))
            (answer,) = foldline("positions", "accept", _TOPICS.transitions, "--why", "a disk died", "--json").json
            assert (answer["from_offset"], answer["to_offset"], answer["another_log"]) == (10, 6, True)
            run_until(ours, lambda: partition not in ours.custody.stopped)
            run_until(ours, ours.until_caught_up())
    assert rows(database_url, "SELECT count(*) FROM fsm_state") == [(26,)]
