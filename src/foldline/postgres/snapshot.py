"""The tables of one moment, beside workers that go on: a read-only transaction, and rows in bulk without an order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg

from foldline.core.batch import Partition
from foldline.postgres.asking import asking
from foldline.postgres.queries import query
from foldline.replay.copytext import OPTIONS, columns
from foldline.replay.cut import (
    Accepted,
    Activation,
    Cut,
    EntityRow,
    HistoryRow,
    IdentityRow,
    LetterRow,
    Recorded,
    Row,
    Standing,
    TimelineRow,
    WorkflowRow,
)

_PATIENCE = "10min"
"""How long the transaction may wait for us between two tables. It keeps VACUUM from what has died since it began."""

_ROWS: Mapping[type[Row], str] = {
    EntityRow: "entity_rows",
    HistoryRow: "history_rows",
    WorkflowRow: "workflow_rows",
    TimelineRow: "timeline_rows",
    LetterRow: "letter_rows",
    IdentityRow: "identity_rows",
}
_TABLES: Mapping[str, type[Row]] = {
    "fsm_state": EntityRow,
    "fsm_state_history": HistoryRow,
    "workflow_executions": WorkflowRow,
    "foldline_cleaned_workflows": WorkflowRow,
    "workflow_execution_history": TimelineRow,
    "foldline_dead_letters": LetterRow,
    "foldline_identities": IdentityRow,
}

_Row = TypeVar("_Row", EntityRow, HistoryRow, WorkflowRow, TimelineRow, LetterRow, IdentityRow)


class Snapshot:
    """Every answer is of the same moment, that of the first question; the `with` block ends it.

    Raises:
        DatabaseError: PostgreSQL cannot be reached, does not answer, or has not the tables.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._open = ExitStack()
        self._copying: psycopg.Copy | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._connection = opening.enter_context(asking(self._database_url, "verify"))
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            opening.enter_context(self._connection.transaction())
            self._connection.execute("SET LOCAL statement_timeout = 0")  # a table may be long
            self._connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{_PATIENCE}'")
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._copying is not None:  # its rest would be waited for
            self._connection.close()
        self._open.__exit__(kind, error, at)

    def cut(self) -> Cut:
        """Where everything stands."""
        ((taken_at,),) = self._all("clock")
        return Cut(
            taken_at,
            standings=tuple(
                Standing(Partition(topic, number), *more) for topic, number, *more in self._all("standings")
            ),
            activations=tuple(
                Activation(Partition(topic, number), *more) for topic, number, *more in self._all("activations")
            ),
            definitions={
                (fsm_type, version): Recorded(*more) for fsm_type, version, *more in self._all("machine_definitions")
            },
            cleaned_up_to=dict(self._all("cut_offs")),
            accepted=tuple(
                Accepted(Partition(topic, number), *more) for topic, number, *more in self._all("moved_ends")
            ),
            estimates=self._estimates(),
        )

    def lines(self, shape: type[Row]) -> Iterator[bytes]:
        """Every row as the line that COPY makes of it, without its end: for `replay.copytext`."""
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY ({query(_ROWS[shape])}) TO STDOUT {OPTIONS}") as copy,
        ):
            self._copying = copy
            for line in copy:
                yield bytes(line[:-1])
        self._copying = None

    def rows(self, shape: type[_Row]) -> Iterator[_Row]:
        """Every row."""
        return map(shape._make, map(columns, self.lines(shape)))

    def _estimates(self) -> dict[type[Row], int]:
        found: dict[type[Row], int] = dict.fromkeys(_ROWS, 0)
        for name, rows in self._all("row_estimates", tables=list(_TABLES)):
            found[_TABLES[name]] += rows
        return found

    def _all(self, name: str, **parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query(name), parameters).fetchall()
