"""What a correction asks of the tables: where the entity's events lie, and what became of the one it published."""

from __future__ import annotations

from dataclasses import dataclass

from foldline.core.batch import EntityKey, Partition
from foldline.postgres.asking import asking
from foldline.postgres.queries import query


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the partition of an event stands, and how the event ended, as far as it did.

    `success` is that of its row of history, None if there is none; `reason` and `detail` are its dead letter's.
    """

    next_offset: int
    stopped_reason: str | None
    success: bool | None
    from_state: str | None
    to_state: str | None
    reason: str | None
    detail: str | None


class Corrections:
    """Asks one database; each question is a connection of its own and may raise `DatabaseError`."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def source_of(self, entity: EntityKey) -> Partition | None:
        """The partition that the entity's events lie on, None if the tables know none."""
        with asking(self._database_url, "correct") as connection:
            row = connection.execute(query("entity_source"), _key(entity)).fetchone()
        return None if row is None else Partition(*row)

    def known(self, entity: EntityKey) -> bool:
        """Whether the tables know anything of the entity, if only what was written by hand."""
        with asking(self._database_url, "correct") as connection:
            row = connection.execute(query("entity_now"), _key(entity)).fetchone()
        return row is not None or self.source_of(entity) is not None

    def outcome(self, entity: EntityKey, event_id: str, partition: Partition, offset: int) -> Outcome | None:
        """What became of the event that lies there; None if nobody ever claimed its partition."""
        place = {"topic": partition.topic, "partition": partition.number, "record_offset": offset}
        asked = _key(entity) | place | {"event_id": event_id}
        with asking(self._database_url, "correct") as connection:
            row = connection.execute(query("transition_outcome"), asked).fetchone()
        return None if row is None else Outcome(*row)


def _key(entity: EntityKey) -> dict[str, object]:
    fsm_type, entity_id = entity
    return {"fsm_type": fsm_type, "entity_id": entity_id}
