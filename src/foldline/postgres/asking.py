"""One connection for one command of a person, and what to say when PostgreSQL does not do what the command asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from foldline.errors import DatabaseError, FoldlineError
from foldline.postgres.blockers import Session, blocker_of
from foldline.postgres.connection import connect, unreachable
from foldline.postgres.remedies import in_words

PATIENCE_SECONDS = 10.0
"""How long a command waits for a lock."""


@contextmanager
def asking(database_url: str, purpose: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection for what a command asks.

    Raises:
        DatabaseError: PostgreSQL cannot be reached, or does not answer; says who holds the lock that it waited for.
    """
    try:
        connection = connect(database_url, purpose=purpose, lock_timeout=PATIENCE_SECONDS)
    except psycopg.OperationalError as error:
        raise unreachable(database_url, error) from None
    with _Onlooker(database_url, connection.info.backend_pid) as onlooker:
        try:
            with connection:
                yield connection
        except psycopg.Error as error:
            raise _refusal(error, onlooker.blocker) from None


class _Onlooker:
    """Finds out who keeps a session waiting for a lock: while it waits, on short connections of its own."""

    def __init__(self, database_url: str, pid: int) -> None:
        self.blocker: Session | None = None
        self._database_url = database_url
        self._pid = pid
        self._every = PATIENCE_SECONDS / 4
        self._over = threading.Event()
        # A daemon: the command ends when it has its answer, whatever this waits for.
        self._thread = threading.Thread(target=self._look, name="foldline onlooker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(self._every):
            with suppress(psycopg.Error, FoldlineError), connect(self._database_url, purpose="onlooker") as connection:
                self.blocker = blocker_of(connection, self._pid) or self.blocker


def _refusal(error: psycopg.Error, blocker: Session | None) -> DatabaseError:
    state = error.sqlstate
    if state is None:
        return DatabaseError("The connection to PostgreSQL is lost.", remedy="See its log, and run the command again.")
    if state == "42501":
        return DatabaseError(
            f"PostgreSQL refused to answer (SQLSTATE {state}).",
            remedy="Log in as a member of foldline_reader, or as another role that may read the tables.",
        )
    if state == "55P03":
        return DatabaseError(
            f"PostgreSQL did not answer in time: it waited for a lock of {blocker or 'another session'}"
            f" (SQLSTATE {state}).",
            remedy="Look for who holds one in pg_locks and pg_stat_activity, and run the command again without it."
            if blocker is None
            else "Wait until that session is done, or end it, and run the command again.",
        )
    words = in_words(state)
    if words is not None:
        return DatabaseError(
            f"PostgreSQL did not answer: {words} (SQLSTATE {state}).", remedy="Then run the command again."
        )
    return DatabaseError(
        f"PostgreSQL refused to answer (SQLSTATE {state}, {type(error).__name__}).",
        remedy="See its log, and whether `foldline migrate --status` shows every migration as applied.",
    )
