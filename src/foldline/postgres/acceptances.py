"""An operator's answers to partitions that have stopped: each is recorded, with who gave it and why."""

from __future__ import annotations

import psycopg

from foldline.errors import DatabaseError
from foldline.lost_log import Acceptance
from foldline.postgres.asking import asking
from foldline.postgres.entries import Position
from foldline.postgres.queries import query


def accept_position(
    database_url: str,
    seen: Position,
    acceptance: Acceptance,
    *,
    why: str,
    who: str,
) -> bool:
    """Let a stopped partition go on as accepted; False if it is not, or no longer, as it was seen.

    Raises:
        DatabaseError: PostgreSQL cannot be reached or does not take it, or this role may not.
    """
    parameters = {
        "topic": seen.topic,
        "partition": seen.partition,
        "seen_offset": seen.next_offset,
        "seen_reason": seen.stopped_reason,
        "going_on_at": acceptance.next_offset,
        "another_log": acceptance.another_log,
        "topic_id": acceptance.topic_id,
        "partitions": acceptance.partitions,
        "compacted": acceptance.compacted,
        "why": why,
        "who": who,
    }
    with asking(database_url, "accept") as connection:
        try:
            return connection.execute(query("accept_position"), parameters).fetchone() != (None,)
        except psycopg.errors.InsufficientPrivilege:
            raise DatabaseError(
                "This role may not accept anything about positions.",
                remedy="Log in as a member of foldline_ops (docs/security.md), or as the owner of the tables.",
            ) from None
