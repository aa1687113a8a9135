"""What verify has to say: where the tables are not what the log makes of them, and which changes were made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a row is not as the log has it, as far as the tables tell.

    `hand_written`: its revision is that of no event. `machine_changed`: another version judged than the one recorded.
    `lost`: the log has it, the tables have not. `unexplained`: nothing in the tables says why.
    """

    HAND_WRITTEN = "hand_written"
    MACHINE_CHANGED = "machine_changed"
    LOST = "lost"
    UNEXPLAINED = "unexplained"


class What(StrEnum):
    """`missing`: the tables lack the row; `extra`: they have one that the log does not account for; else `changed`."""

    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Column:
    """One column that differs.

    Attributes:
        name: the column.
        log: what the log makes of it, as PostgreSQL writes it; null is NULL.
        table: what the table holds.
    """

    name: str
    log: str | None
    table: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a row is about.

    Attributes:
        fsm_type: the entity's type; null where it is a workflow or neither.
        entity_id: the entity; null likewise.
        workflow_id: the workflow; null where it is an entity or neither.
        topic: with partition and offset, the record behind the row; null where there is none.
        partition: its partition.
        offset: its offset.
    """

    fsm_type: str | None = None
    entity_id: str | None = None
    workflow_id: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as the log has it.

    Attributes:
        table: the table.
        what: missing, extra or changed.
        cause: hand_written, machine_changed, lost or unexplained.
        id: the row's number, where its table numbers rows and the row is there; null otherwise.
        subject: what the row is about.
        columns: the columns that differ, of a changed row.
    """

    table: str
    what: What
    cause: Cause
    id: int | None
    subject: Subject
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class ManualChange:
    """A state that was changed by hand, and recorded: a MANUAL row of the history.

    Attributes:
        id: the number of the row.
        from_state: the state before; null where the row was inserted.
        to_state: the state after.
        transitioned_at: when it says it happened, as PostgreSQL writes it.
        recorded_at: when it was made.
        subject: the entity, and the record that had moved it before.
    """

    id: int
    from_state: str | None
    to_state: str
    transitioned_at: str
    recorded_at: str | None
    subject: Subject


Finding = Difference | ManualChange
