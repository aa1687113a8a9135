"""Sessions that hold what we wait for: who they are, and the one kind that may be ended, a frozen owner.

A worker that is stopped in the middle of its transaction (SIGSTOP, a suspended machine) keeps its locks, on its
partition's position or on rows that it folds again, and PostgreSQL waits for it as long as its timeouts say; inside
COPY for ever. Whoever claims that partition, or needs those rows, ends it: its transaction has changed nothing.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from foldline import facts
from foldline.ports import Unavailable
from foldline.postgres import rows
from foldline.postgres.lanes import Lanes
from foldline.postgres.queries import query

_LOOK_FIRST_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 3.0
_LAST_ANSWER_SECONDS = 0.5

_Result = TypeVar("_Result")


class Held(Unavailable):
    """Somebody else holds a partition's position: it says who."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of PostgreSQL's in a transaction. `frozen`: a worker's, and waiting for its client."""

    pid: int
    application: str
    role: str | None
    seconds: float | None
    frozen: bool

    def __str__(self) -> str:
        since = "" if self.seconds is None else f", in its transaction for {self.seconds:.0f} s"
        return f"session {self.pid} ({self.application or 'no name'} of {self.role or 'an unknown role'}{since})"


def position_holder(connection: psycopg.Connection[Any], where: rows.Parameters) -> Session | None:
    """Who holds the position's row of this topic and partition, None if nobody does."""
    found = connection.execute(query("position_holder"), where).fetchone()
    return None if found is None else Session(*found)


def advisory_holder(connection: psycopg.Connection[Any], key: int) -> Session | None:
    """Who holds this advisory lock of the database, None if nobody does any more."""
    found = connection.execute(query("advisory_holder"), {"key": key}).fetchone()
    return None if found is None else Session(*found)


def blocker_of(connection: psycopg.Connection[Any], pid: int) -> Session | None:
    """Who keeps this session of ours waiting for a lock, None if nobody does."""
    found = connection.execute(query("blocker"), {"pid": pid}).fetchone()
    return None if found is None else Session(*found)


def end_frozen(connection: psycopg.Connection[Any], holder: Session) -> None:
    """End a frozen owner.

    Raises:
        Held: it is not frozen, or not ours to end; says whose session it is.
    """
    if not holder.frozen:
        raise Held(f"The position is held by {holder}.", remedy="Claiming again.")
    try:
        connection.execute(query("terminate"), {"pid": holder.pid})
    except errors.InsufficientPrivilege:
        raise Held(
            f"The position is held by {holder}, which is frozen, and this role may not end it.",
            remedy="Let all workers log in as one role, or end that session.",
        ) from None


def settled(
    lanes: Lanes,
    name: str,
    given: Future[_Result],
    *,
    within: float | None = None,
    hurried: bool = False,
    ending: bool = True,
) -> _Result:
    """Wait for what was given to a lane, as `Lanes.settle`; if it fails, the fault names whose lock it waited for.

    A worker that is frozen with that lock is ended meanwhile, if `ending`.
    """
    look = _Look(lanes, name, ending=ending)
    try:
        return lanes.settle(name, given, within=within, hurried=hurried, meanwhile=look.again)
    except Held:
        raise
    except Unavailable as fault:
        if look.blocker is None:
            raise
        raise Unavailable(f"{fault.problem} It waited for {look.blocker}.", remedy=fault.remedy) from None
    finally:
        look.hear_out()


def _look_at(connection: psycopg.Connection[Any], pid: int, *, ending: bool) -> Session | None:
    """Who keeps this session waiting; ends it if it is frozen and that is wanted."""
    found = blocker_of(connection, pid)
    if found is not None and found.frozen and ending:
        end_frozen(connection, found)
    return found


class _Look:
    """Finds out who keeps a lane waiting for a lock, without waiting for the answer."""

    def __init__(self, lanes: Lanes, name: str, *, ending: bool) -> None:
        self.blocker: Session | None = None
        self._lanes = lanes
        self._name = name
        self._ending = ending
        self._asked: Future[Session | None] | None = None
        self._due = time.monotonic() + lanes.soon(_LOOK_FIRST_SECONDS)

    def again(self) -> None:
        """Take the answer to the last question, if it is there, and ask again when due."""
        self._take()
        pid = self._lanes.pid(self._name)
        if self._asked is None and pid is not None and time.monotonic() >= self._due:
            self._asked = self._lanes.beside(
                self._name, lambda connection: _look_at(connection, pid, ending=self._ending)
            )
            self._due = time.monotonic() + self._lanes.soon(_LOOK_AGAIN_SECONDS)

    def hear_out(self) -> None:
        """Take the answer that is on its way: what it was about is over, perhaps because of it."""
        if self._asked is not None:
            wait([self._asked], _LAST_ANSWER_SECONDS)
            self._take()

    def _take(self) -> None:
        if self._asked is not None and self._asked.done():
            if self._asked.exception() is None and (found := self._asked.result()) is not None:
                if found.frozen and self._ending:
                    self._lanes.announce(facts.BlockerEnded(str(found)))
                self.blocker = found
            self._asked = None
