"""Collects what differs between the log and the tables, row by row, each with its cause as far as the tables tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from foldline.core.batch import Partition
from foldline.replay.cut import Row
from foldline.replay.difference import Cause, Column, Difference, Finding, Subject, What
from foldline.replay.told import Letter, Ref

LETTERS: Final = "foldline_dead_letters"
_VERSION: Final = "definition_version"
_WITHOUT_MEANING: Final = frozenset({"revision", "previous_revision"})


class Findings:
    """Of one key.

    Args:
        subject: which one.
        partitions: those that are read.
        cause: of what differs and has no cause of its own.
    """

    def __init__(self, subject: Subject, partitions: Sequence[Partition], cause: Cause = Cause.UNEXPLAINED) -> None:
        self.found: list[Finding] = []
        self._subject = subject
        self._partitions = partitions
        self._cause = cause

    def compare(self, table: str, row_id: int | None, log: Row, held: Row, ref: Ref | None = None) -> None:
        """Two rows of one shape."""
        if log == held:
            return
        columns = [
            Column(name, ours, theirs)
            for name, ours, theirs in zip(log._fields, log, held, strict=True)
            if ours != theirs and name not in _WITHOUT_MEANING
        ]
        if columns:
            self.changed(table, row_id, columns, ref)

    def changed(self, table: str, row_id: int | None, columns: Sequence[Column], ref: Ref | None = None) -> None:
        """A row with other values than the log's."""
        if any(column.name == _VERSION for column in columns):
            self._cause = Cause.MACHINE_CHANGED
        self.found.append(Difference(table, What.CHANGED, self._cause, row_id, self._of(ref), tuple(columns)))

    def missing(self, table: str, ref: Ref | None = None) -> None:
        """The log has it, the tables have not."""
        self.found.append(Difference(table, What.MISSING, Cause.LOST, None, self._of(ref)))

    def surplus(self, table: str, row_id: int | None, cause: Cause | None = None, ref: Ref | None = None) -> None:
        """The tables have it, and nothing in the log accounts for it."""
        self.found.append(Difference(table, What.EXTRA, cause or self._cause, row_id, self._of(ref)))

    def letter(self, log: tuple[str, str] | None, held: Letter | None, ref: Ref) -> None:
        """The dead letter of a record: as the log has it, and as it is there."""
        if held is None:
            if log is not None:
                self.missing(LETTERS, ref)
            return
        if log is None:
            self.surplus(LETTERS, held.id, ref=ref)
            return
        said = (Column("verdict", log[0], held.verdict), Column("reason", log[1], held.reason))
        columns = [*(each for each in said if each.log != each.table), *held.unlike]
        if columns:
            self.changed(LETTERS, held.id, columns, ref)

    def _of(self, ref: Ref | None) -> Subject:
        if ref is None:
            return self._subject
        partition = self._partitions[ref[0]]
        return replace(self._subject, topic=partition.topic, partition=partition.number, offset=ref[1])
