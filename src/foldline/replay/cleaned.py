"""Which rows of one history or timeline a clean-up can have removed: those that are missing otherwise are lost. Pure.

A clean-up takes all that was there and is old enough, so what it left tells what it cannot have taken. Of an entity
that lies on several partitions nothing tells in which order the missing rows came: then every old one may be gone.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Final

from foldline.core.batch import HistoryRow, TimelineRow
from foldline.core.events import Kind
from foldline.replay.told import Ref

_ENDS: Final = frozenset({Kind.COMPLETED, Kind.FAILED})


def of_history(rows: Mapping[Ref, HistoryRow], kept: Container[Ref], cut_off: datetime, *, ordered: bool) -> set[Ref]:
    """Rows from before the cut-off, unless one that is as old was there before them and still is.

    Args:
        rows: as the log makes them, in their order.
        kept: those that are there.
        cut_off: up to which event time clean-ups have removed rows.
        ordered: whether their order is certain.
    """
    gone, oldest_kept = set[Ref](), cut_off
    for ref, row in rows.items():
        happened = row.event.occurred_at
        if ref not in kept:
            if happened < oldest_kept:
                gone.add(ref)
        elif ordered:
            oldest_kept = min(oldest_kept, happened)
    return gone


def of_timeline(rows: Mapping[Ref, TimelineRow], kept: Container[Ref], cut_off: datetime, *, ordered: bool) -> set[Ref]:
    """All rows up to an end of the workflow before the cut-off, if none of them is there. Arguments as `of_history`."""
    if not ordered:
        return {ref for ref, row in rows.items() if row.event.occurred_at < cut_off}
    gone, missing = set[Ref](), set[Ref]()
    for ref, row in rows.items():
        if ref in kept:
            break
        missing.add(ref)
        if row.event.kind in _ENDS and row.event.occurred_at < cut_off:
            gone = set(missing)
    return gone
