"""Where an entity was at a time or after a record; what clean-ups removed is never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foldline.core.batch import Partition
from foldline.core.moment import AfterRecord, AtTime, Moment, Then, then
from foldline.core.times import milliseconds_between

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HERE, THERE = Partition("t", 0), Partition("t", 1)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Row:
    """A row of history at its second; without an offset it came after no record, without an event it was by hand."""

    from_state: str | None
    to_state: str
    second: int
    record_offset: int | None
    success: bool = True
    by_hand: bool = False
    partition: int | None = 0
    duration_ms: float | None = None

    @property
    def transitioned_at(self) -> datetime:
        return at(self.second)

    @property
    def topic(self) -> str | None:
        return None if self.record_offset is None else "t"

    @property
    def event_id(self) -> str | None:
        return None if self.by_hand else "e"


def history(*steps: tuple[str, int, int | None, str]) -> list[Row]:
    """Rows out of (state, second, offset, kind); `kind` is hop, hand, or what changes nothing."""
    rows: list[Row] = []
    state: str | None = None
    since: datetime | None = None
    for to, second, offset, kind in steps:
        success = kind in ("hop", "hand")
        stayed = None if since is None or not success else milliseconds_between(since, at(second))
        rows.append(Row(state, to, second, offset, success, kind == "hand", duration_ms=stayed))
        if success:
            state, since = to, at(second)
    return rows


def now_of(rows: list[Row]) -> tuple[str, datetime] | None:
    hops = [row for row in rows if row.success]
    return (hops[-1].to_state, hops[-1].transitioned_at) if hops else None


def asked(rows: list[Row], moment: Moment, cleaned_before: datetime | None = None) -> Then[Row]:
    return then(rows, moment, now_of(rows), cleaned_before)


ROWS = history(
    ("A", 0, 3, "hop"),
    ("A", 10, 5, "rejected"),
    ("B", 20, 8, "hop"),
    ("C", 30, 8, "hand"),
    ("D", 25, 9, "hop"),  # its publisher's clock is behind
    ("D", 26, 12, "failed"),
)


@pytest.mark.parametrize(
    ("second", "state", "rows"),
    [(-1, None, 0), (0, "A", 1), (19, "A", 2), (20, "B", 3), (24, "B", 3), (25, "D", 5), (26, "D", 6), (99, "D", 6)],
)
def test_by_time_it_is_the_last_hop_of_the_log_that_happened_by_then(second: int, state: str | None, rows: int) -> None:
    found = asked(ROWS, AtTime(at(second)))
    assert (found.known, found.state, found.rows) == (True, state, ROWS[:rows])
    assert (found.by and found.by.to_state) == state


@pytest.mark.parametrize(
    ("offset", "state", "rows"), [(2, None, 0), (3, "A", 1), (7, "A", 2), (8, "C", 4), (9, "D", 5), (99, "D", 6)]
)
def test_by_offset_it_is_where_the_record_left_it_and_what_was_changed_by_hand_after_it(
    offset: int, state: str | None, rows: int
) -> None:
    found = asked(ROWS, AfterRecord(HERE, offset))
    assert (found.known, found.state, found.rows) == (True, state, ROWS[:rows])


def test_what_was_put_in_by_hand_came_before_every_record() -> None:
    rows = history(("A", 50, None, "hand"), ("B", 60, None, "hand"), ("C", 70, 4, "hop"))
    assert [asked(rows, AfterRecord(HERE, offset)).state for offset in (0, 3, 4)] == ["B", "B", "C"]


def test_on_several_partitions_the_order_of_the_rows_decides() -> None:
    first, second, third = history(("A", 0, 3, "hop"), ("B", 10, 1, "hop"), ("C", 20, 4, "hop"))
    rows = [first, Row("A", "B", 10, 1, partition=1, duration_ms=10_000), third]
    assert second.record_offset == 1
    assert [asked(rows, AfterRecord(HERE, offset)).state for offset in (2, 3, 4)] == [None, "A", "C"]
    assert [asked(rows, AfterRecord(THERE, offset)).state for offset in (0, 1, 9)] == [None, "B", "B"]


def test_offsets_are_those_of_the_log_that_took_the_place_of_another() -> None:
    rows = history(("A", 0, 3, "hop"), ("B", 10, 8, "hop"), ("C", 20, 1, "hop"), ("D", 30, 6, "hop"))
    assert [asked(rows, AfterRecord(HERE, offset)).state for offset in (0, 1, 5, 6)] == ["B", "C", "C", "D"]


STEPS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["hop", "hop", "hop", "hand", "failed"])), max_size=8
).flatmap(
    lambda steps: st.tuples(
        st.just(steps), st.lists(st.integers(0, 40), min_size=len(steps), max_size=len(steps), unique=True)
    )
)
MOMENTS = st.builds(AtTime, st.integers(-1, 41).map(at)) | st.builds(AfterRecord, st.just(HERE), st.integers(-1, 9))


@example(([("A", "hop"), ("A", "hop")], [1, 0]), 2, 1, AtTime(at(0)))
@example(([("A", "hop"), ("B", "hop")], [10, 3]), 2, 5, AtTime(at(20)))
@given(STEPS, st.integers(0, 8), st.integers(-1, 41), MOMENTS)
def test_what_is_said_after_a_clean_up_is_what_would_have_been_said_before(
    steps: tuple[list[tuple[str, str]], list[int]], projected: int, cut_off: int, moment: Moment
) -> None:
    offset, events = 0, []
    for (state, kind), second in zip(*steps, strict=True):
        offset += kind != "hand"
        events.append((state, second, offset or None, kind))
    rows = history(*events)
    kept = [row for index, row in enumerate(rows) if index >= projected or row.second >= cut_off]
    whole, found = asked(rows, moment), then(kept, moment, now_of(rows), at(cut_off))
    assert whole.known
    if found.known:
        assert (found.state, found.since) == (whole.state, whole.since)
        assert found.by in (whole.by, None)
    in_order = [row.second for row in rows] == sorted(row.second for row in rows)
    if isinstance(moment, AtTime) and now_of(rows) and kept == rows and in_order and moment.time >= at(cut_off):
        assert found.known, "nothing was removed"


def test_what_a_clean_up_took_is_told_from_what_is_left_where_that_tells_it() -> None:
    rows = history(("A", 0, 1, "hop"), ("B", 10, 2, "hop"), ("C", 20, 3, "hop"))
    cleaned = then(rows[2:], AtTime(at(15)), now_of(rows), at(12))
    assert (cleaned.known, cleaned.state, cleaned.since, cleaned.by) == (True, "B", at(10), None)
    gone: Then[Row] = then([], AtTime(at(99)), now_of(rows), at(90))
    assert (gone.known, gone.state, gone.since) == (True, "C", at(20))
    for moment in (AtTime(at(5)), AfterRecord(HERE, 2)):
        assert not then(rows[2:], moment, now_of(rows), at(12)).known
    assert then(rows[2:], AfterRecord(HERE, 3), now_of(rows), at(12)).state == "C"
    fresh = history(("A", 50, 7, "hop"))
    assert then(fresh, AfterRecord(HERE, 6), now_of(fresh), at(12)).known, "its first hop came after the clean-up"
