"""Rates by second, with a clock that the test turns."""

from __future__ import annotations

from foldline import facts
from foldline.watch import Rates


def _applied(count: int) -> facts.BatchApplied:
    return facts.BatchApplied("t[0]", 9, count, 0, 1, 0, 0.1)


def test_only_whole_seconds_count_and_at_most_the_last_five() -> None:
    clock = [100.0]
    rates = Rates(lambda: clock[0])
    assert rates.per_second()["applied"] == 0
    rates.hear(_applied(10))
    assert rates.per_second()["applied"] == 0  # its second is not over
    clock[0] = 101.5
    rates.hear(_applied(20))
    rates.hear(_applied(4))
    assert rates.per_second()["applied"] == 10
    clock[0] = 102.0
    assert (rates.per_second()["applied"], rates.per_second()["rejected"]) == (17, 1.5)
    assert rates.recent() == [11, 26]
    clock[0] = 106.5
    assert rates.per_second()["applied"] == 24 / 5
    clock[0] = 180.0
    assert rates.per_second()["applied"] == 0
    assert rates.recent() == [0] * 40


def test_other_facts_count_nothing() -> None:
    rates = Rates(lambda: 0.0)
    rates.hear(facts.PartitionReleased("t[0]"))
    assert rates.recent() == []
    assert set(rates.per_second().values()) == {0.0}
