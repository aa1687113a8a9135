"""The breaker: trips when most of what arrives is refused, and never before it has seen enough."""

from __future__ import annotations

import pytest

from foldline.core.batch import Counts, Partition
from foldline.core.breaker import Breaker, Tripped

_HERE, _THERE = Partition("t", 0), Partition("t", 1)
_GOOD, _BAD = Counts(applied=10), Counts(rejected=7, undecodable=3)


def _heard(breaker: Breaker, *batches: Counts) -> list[Tripped | None]:
    return [breaker.judged(_HERE, each) for each in batches]


def test_it_trips_once_most_of_the_last_records_are_refused() -> None:
    assert _heard(Breaker(80, 50), *[_GOOD] * 9, *[_BAD] * 5) == [*[None] * 12, Tripped(40, 50), Tripped(50, 50)]


def test_it_never_trips_before_it_has_seen_enough() -> None:
    assert _heard(Breaker(1, 50), *[_BAD] * 5) == [*[None] * 4, Tripped(50, 50)]


def test_switched_off_it_never_trips() -> None:
    assert _heard(Breaker(0, 10), *[_BAD] * 20) == [None] * 20


def test_duplicates_do_not_count() -> None:
    replayed = Counts(duplicate=1_000)
    assert _heard(Breaker(50, 20), _BAD, replayed, replayed, _GOOD) == [None, None, None, Tripped(10, 20)]


def test_a_batch_counts_whole() -> None:
    assert _heard(Breaker(60, 10), Counts(applied=400, rejected=600)) == [Tripped(600, 1_000)]


def test_partitions_are_apart_and_one_may_begin_anew() -> None:
    breaker = Breaker(100, 20)
    breaker.judged(_HERE, _BAD)
    assert breaker.judged(_THERE, _BAD) is None
    breaker.forget(_HERE)
    assert _heard(breaker, _BAD, _BAD) == [None, Tripped(20, 20)]


@pytest.mark.parametrize("percent", [1, 50, 100])
def test_what_is_applied_never_trips_it(percent: int) -> None:
    assert _heard(Breaker(percent, 10), *[_GOOD] * 10) == [None] * 10
