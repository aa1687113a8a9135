"""What waits in the database for somebody, asked in bounded time for whoever watches a worker."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from foldline.errors import DatabaseError
from foldline.postgres.connection import connect, unreachable
from foldline.postgres.queries import query

_PATIENCE_SECONDS = 3.0
"""Counting open dead letters may not cost the database more than this."""


@dataclass(frozen=True, slots=True)
class OpenLetters:
    """How many dead letters of one verdict and reason are open, and for how long the oldest of them."""

    verdict: str
    reason: str
    count: int
    oldest_seconds: float


def open_letters(database_url: str) -> list[OpenLetters] | None:
    """The open dead letters; None if the database answers, but not this, or not in time.

    Raises:
        DatabaseError: it does not answer.
    """
    try:
        connection = connect(database_url, purpose="metrics", statement_timeout=_PATIENCE_SECONDS)
    except psycopg.OperationalError as error:
        raise unreachable(database_url, error) from None
    try:
        with connection:
            rows = connection.execute(query("dead_letters_backlog")).fetchall()
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise DatabaseError("The connection to PostgreSQL is lost.") from None
        return None
    return [OpenLetters(*row) for row in rows]
