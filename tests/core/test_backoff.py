"""Delays grow to a ceiling and stay there, however long an outage lasts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foldline.backoff import Backoff


@given(st.integers(1, 1_000_000))
def test_a_delay_is_at_least_half_of_what_is_due_and_never_beyond_the_longest(attempt: int) -> None:
    due = min(10.0, 0.2 * 2 ** min(attempt - 1, 10))
    assert due / 2 <= Backoff(first=0.2, longest=10.0).delay(attempt) <= due


def test_no_two_workers_come_back_at_the_same_moment() -> None:
    assert len({Backoff(first=0.2, longest=10.0).delay(9) for _ in range(100)}) > 90
