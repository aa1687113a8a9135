"""What is announced of a committed batch."""

from __future__ import annotations

from foldline import facts
from foldline.applied import MOST_TRACEPARENTS, Account
from foldline.core.batch import Counts, Plan, Stray
from foldline.core.events import Record
from harness import MACHINES, TRANSITIONS, batch

_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _told(plan: Plan, *, traced: bool = False) -> list[facts.Fact]:
    return list(Account(MACHINES, traced=traced).of(plan, seconds=0.5, transaction_seconds=0.25))


def _records(*parents: bytes | None) -> list[Record]:
    return [
        Record(offset, None, None, (("x", b"y"), ("traceparent", parent)), 1000 + offset)
        for offset, parent in enumerate(parents)
    ]


def test_the_batch_is_told_first_and_then_whoever_strayed() -> None:
    plan = Plan(
        batch(_records(b"a", b"b")), counts=Counts(applied=2), strays=[Stray("INGESTION doc-1 was on t[1]", 1, "c")]
    )
    applied, strayed = _told(plan)
    assert applied == facts.BatchApplied(
        str(TRANSITIONS), 2, 2, 0, 0, 0, 0.5, 0.25, (facts.Outcomes("", "applied", "", 2),), 1001
    )
    assert strayed == facts.EntityStrayed(str(TRANSITIONS), "INGESTION doc-1 was on t[1]", 1, "c")


def test_a_span_without_records_has_no_timestamp() -> None:
    (applied,) = _told(Plan(batch([])), traced=True)
    assert isinstance(applied, facts.BatchApplied)
    assert (applied.last_timestamp_ms, applied.traceparents, applied.outcomes, applied.records) == (None, (), (), 0)


def test_traceparents_are_told_only_where_traces_are_wanted_each_once_and_not_without_end() -> None:
    many = [f"00-{number:032x}-{1:016x}-01".encode() for number in range(MOST_TRACEPARENTS + 5)]
    plan = Plan(batch(_records(None, _PARENT.encode(), _PARENT.encode(), b"\xff", *many)))
    (quiet,), (traced,) = _told(plan), _told(plan, traced=True)
    assert isinstance(quiet, facts.BatchApplied)
    assert isinstance(traced, facts.BatchApplied)
    assert quiet.traceparents == ()
    assert traced.traceparents[:3] == (_PARENT, "\ufffd", many[0].decode())
    assert len(traced.traceparents) == MOST_TRACEPARENTS
