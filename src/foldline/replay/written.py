"""What the tables hold of one key, its rows found by the record behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from foldline.core.events import Verdict
from foldline.replay.cut import EntityRow, HistoryRow, TimelineRow, WorkflowRow
from foldline.replay.told import Event, Ref, Told

REFUSED: Final = (Verdict.UNDECODABLE.value, "refused_by_database")

Now = TypeVar("Now", EntityRow, WorkflowRow)
Row = TypeVar("Row", HistoryRow, TimelineRow)


@dataclass(slots=True)
class Held(Generic[Now, Row]):
    """What the tables hold of one entity or workflow: its row, and those of its history or timeline.

    `beside`: a second row of a workflow, among those that were cleaned away. `unread`: a dead letter tells of a record
    that nobody can read any more.
    """

    now: Now | None = None
    beside: Now | None = None
    unread: bool = False
    rows: list[Row] = field(default_factory=list)


class Written(Generic[Row]):
    """Rows that events have written.

    Attributes:
        by_ref: each by its record.
        ids: their numbers, by record.
        astray: rows that name no record that is read, or one that another row is of.
    """

    def __init__(self, rows: Iterable[Row], ref_of: Callable[[Row], Ref | None]) -> None:
        self.by_ref: dict[Ref, Row] = {}
        self.astray: list[Row] = []
        for row in rows:
            ref = ref_of(row)
            if ref is None or ref in self.by_ref:
                self.astray.append(row)
            else:
                self.by_ref[ref] = row
        self.ids = {ref: int(row.id) for ref, row in self.by_ref.items()}

    def refused(self, told: Told[Event]) -> bool:
        """Whether PostgreSQL would not take this record, although it decodes: only its dead letter tells that."""
        letter = told.letter
        return letter is not None and (letter.verdict, letter.reason) == REFUSED and told.ref not in self.ids

    def judged(self, told: Sequence[Told[Event]]) -> list[Told[Event]]:
        """The events without those that PostgreSQL refused."""
        return [each for each in told if not self.refused(each)]
