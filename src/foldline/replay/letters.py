"""Dead letters beside the records that they are of: both in the order of the log, so one pass over the two suffices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from foldline.core.events import Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.replay.cut import LetterRow
from foldline.replay.difference import Column
from foldline.replay.told import Letter

Event = TransitionEvent | WorkflowEvent | Undecodable


class Letters:
    """The letters of one partition, in the order of offsets; to be asked for offsets that only grow."""

    def __init__(self, rows: Iterable[LetterRow]) -> None:
        self._rows: Iterator[LetterRow] = iter(rows)
        self._next = next(self._rows, None)

    def of(self, offset: int) -> tuple[list[LetterRow], LetterRow | None]:
        """Those that lie where no record was found, and that of the record at this offset."""
        passed = []
        while self._next is not None and int(self._next.record_offset) < offset:
            passed.append(self._next)
            self._next = next(self._rows, None)
        if self._next is None or int(self._next.record_offset) != offset:
            return passed, None
        found = self._next
        self._next = next(self._rows, None)
        return passed, found

    def rest(self) -> Iterator[LetterRow]:
        """All that were not asked for."""
        if self._next is not None:
            yield self._next
        yield from self._rows


def letter_of(row: LetterRow, record: Record, event: Event) -> Letter:
    """What a letter says of its record."""
    number = None if row.judged_as is None else int(row.judged_as)
    return Letter(row.verdict, row.reason, int(row.id), number, _unlike(row, record, event))


def expected_of(event: Undecodable) -> tuple[str, str]:
    """The verdict and the reason of a record that is no event."""
    return Verdict.UNDECODABLE.value, event.reason


def _unlike(row: LetterRow, record: Record, event: Event) -> tuple[Column, ...]:
    """Where a letter has not kept its record, or the names in it, as they came."""
    log = {
        "key": _hex(record.key),
        "value": _hex(record.value),
        "headers": record.header_text,
        "record_timestamp_ms": None if record.timestamp_ms is None else str(record.timestamp_ms),
    }
    refused = row.verdict == Verdict.UNDECODABLE and not isinstance(event, Undecodable)
    for name in ("fsm_type", "entity_id", "workflow_id", "correlation_id", "event_id"):
        log[name] = None if refused else getattr(event, name, None)
    if isinstance(event, WorkflowEvent):
        log["entity_id"] = None
    table = row._asdict()
    table["headers"] = None if row.headers is None else json.dumps(json.loads(row.headers))
    return tuple(Column(name, ours, table[name]) for name, ours in log.items() if ours != table[name])


def _hex(octets: bytes | None) -> str | None:
    return None if octets is None else octets.hex()
