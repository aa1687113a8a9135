"""How long an entity stayed where, by event time and a clock that is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldline.core.machine import Machine, State, Transition
from foldline.core.stays import Stay, stay_now, stays_before

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MACHINE = Machine(
    "ORDER", 1, "NEW", {"NEW": State("NEW"), "PAID": State("PAID", 300.0)}, {("NEW", "PAY"): Transition("PAID")}
)


@dataclass(frozen=True)
class Row:
    """A row of history; `at` and `after` in seconds."""

    from_state: str | None
    to_state: str
    at: float
    after: float | None = None
    success: bool = True

    @property
    def transitioned_at(self) -> datetime:
        return NOON + timedelta(seconds=self.at)

    @property
    def duration_ms(self) -> float | None:
        return None if self.after is None else self.after * 1000


def test_each_row_knows_how_long_the_entity_had_been_where_it_met_it() -> None:
    rows = [
        Row(None, "NEW", 0),
        Row("NEW", "PAID", 60, after=60),
        Row("PAID", "PAID", 100, success=False),
        Row("PAID", "PAID", 400, success=False),
        Row("PAID", "NEW", 460, after=400),
        Row("NEW", "PAID", 470, after=10),
    ]
    stays = list(stays_before(rows, MACHINE))
    assert stays == [
        None,
        Stay("NEW", 60.0, None),
        Stay("PAID", 40.0, 300.0),
        Stay("PAID", 340.0, 300.0),
        Stay("PAID", 400.0, 300.0),
        Stay("NEW", 10.0, None),
    ]
    assert [stay and stay.overstay_seconds for stay in stays] == [None, None, None, 40.0, 100.0, None]


@pytest.mark.parametrize(
    ("rows", "seconds"),
    [
        ([Row("NEW", "PAID", 0)], None),  # the first hop: nobody knows how long it had been NEW
        ([Row("NEW", "PAID", 0, after=7)], 7.0),  # the rows before were cleaned up
        ([Row("PAID", "NEW", 0, success=False)], None),  # so they were here
        ([Row("NEW", "PAID", 10), Row("PAID", "NEW", 5)], None),  # event times that go back
        ([Row("NEW", "PAID", 10), Row("PAID", "NEW", 5, success=False)], None),
        ([Row("NEW", "PAID", 0), Row("NEW", "NEW", 5, success=False)], None),  # the row was deleted in between
        ([Row("NEW", "PAID", 0), Row("PAID", "NEW", 5, success=False), Row("PAID", "NEW", 8, success=False)], 8.0),
    ],
)
def test_what_cannot_be_known_is_not_made_up(rows: list[Row], seconds: float | None) -> None:
    *_, last = stays_before(rows, MACHINE)
    assert last
    assert last.seconds == seconds


def test_an_event_for_an_unknown_entity_meets_no_state() -> None:
    assert list(stays_before([Row(None, "PAID", 0, success=False)], MACHINE)) == [None]


@pytest.mark.parametrize(
    ("seconds", "over"), [(-0.000001, None), (0, None), (300, None), (300.000001, 0.000001), (301, 1.0)]
)
def test_a_stay_beyond_its_timeout_is_an_overstay(seconds: float, over: float | None) -> None:
    stay = stay_now("PAID", NOON, NOON + timedelta(seconds=seconds), MACHINE)
    assert stay.seconds == (seconds if seconds >= 0 else None)
    assert stay.overstay_seconds == (None if over is None else pytest.approx(over))


def test_without_the_machine_or_the_state_in_it_there_is_no_timeout() -> None:
    later = NOON + timedelta(days=1)
    assert stay_now("PAID", NOON, later, None) == Stay("PAID", 86_400.0, None)
    assert stay_now("GONE", NOON, later, MACHINE) == Stay("GONE", 86_400.0, None)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8).map(sorted), st.integers(0, 10**9))
def test_what_is_reckoned_for_a_rejected_event_is_what_a_hop_at_the_same_time_records(
    moments: list[int], lasting: int
) -> None:
    rows = [Row(None, "S", moments[0])]
    for earlier, later in pairwise(moments):
        rows += [Row("S", "X", later, success=False), Row("S", "S", later, after=later - earlier)]
    _, *stays = stays_before(rows, None)
    assert stays[::2] == stays[1::2]
    end = NOON + timedelta(seconds=moments[-1] + lasting)
    now = stay_now("S", rows[-1].transitioned_at, end, None)
    assert sum(stay.seconds or 0 for stay in [*stays[::2], now] if stay) == moments[-1] + lasting - moments[0]
