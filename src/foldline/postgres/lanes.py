"""The two lanes of a worker, one that reads and one that writes, and how long anybody waits for them.

Nothing is waited for without an end: an answer has its time, and once the worker is told to stop everything together
has a grace. After trouble on one lane both connect afresh, so that after a failover both lead to the same server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TypeVar

import psycopg

from foldline import facts
from foldline.ports import Unavailable
from foldline.postgres.failures import NotLetIn, unreadable
from foldline.postgres.lane import Connection, Lane

_GLANCE_SECONDS = 0.1
_CANCEL_SECONDS = 2.0
_LAST_WORD_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 5.0
_LOOK_SECONDS = 3.0
_OTHER = {"reader": "writer", "writer": "reader"}

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long to wait, in seconds: for one `answer`, and for everything in flight once somebody else waits for us."""

    answer: float = 30.0
    grace: float = 10.0


DEFAULT_BOUNDS = Bounds()


class Lanes:
    """Gives work to the lanes and waits for it.

    Args:
        connect: makes the connections, by the lane's name: reader, writer, and for a moment onlooker.
        bounds: how long to wait.
        announce: told when PostgreSQL is away, and when it is back.
    """

    def __init__(self, connect: Callable[[str], Connection], bounds: Bounds, announce: facts.Announce) -> None:
        self._connect = connect
        self._bounds = bounds
        self.announce = announce
        self._lanes = {name: self._lane(name) for name in ("reader", "writer")}
        self._onlooker = self._lane("onlooker")
        self._stopping: Callable[[], bool] = lambda: False
        self._stopped_by: float | None = None
        self._away: set[str] = set()
        self._away_since = 0.0
        self._looked_at = time.monotonic()

    def heed(self, stopping: Callable[[], bool]) -> None:
        """Once this is true, wait for nothing beyond the grace."""
        self._stopping = stopping

    def start(self, name: str, work: Callable[[Connection], _Result]) -> Future[_Result]:
        """Give work to a lane, and go on."""
        return self._lanes[name].start(work)

    def pid(self, name: str) -> int | None:
        """Of the lane's backend."""
        return self._lanes[name].pid

    def renew(self, name: str) -> None:
        """Let a lane roll back what it is at, and connect afresh."""
        self._lanes[name].renew()

    def beside(self, name: str, work: Callable[[Connection], _Result]) -> Future[_Result] | None:
        """Give work to the other lane while this one waits, or to a short connection of its own; None: all are busy."""
        other = self._lanes[_OTHER[name]]
        if other.is_free:
            return other.start(work)
        if not self._onlooker.is_free:
            return None
        given = self._onlooker.start(work)
        self._onlooker.renew()
        return given

    def soon(self, seconds: float) -> float:
        """So many seconds, or fewer: long before an answer is waited for no more."""
        return min(seconds, self._bounds.answer / 4)

    def call(self, name: str, work: Callable[[Connection], _Result], *, within: float | None = None) -> _Result:
        """Give work to a lane, and wait for it."""
        return self.settle(name, self.start(name, work), within=within)

    def settle(
        self,
        name: str,
        given: Future[_Result],
        *,
        within: float | None = None,
        hurried: bool = False,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> _Result:
        """Wait for what was given to a lane; `hurried`: no longer than the grace.

        Raises:
            Unavailable: it failed, or there was no answer in time.
        """
        began = time.monotonic()
        bound = min(within or self._bounds.answer, self._bounds.grace if hurried else self._bounds.answer)
        while not wait([given], _GLANCE_SECONDS).done:
            if time.monotonic() >= self._ends(began + bound):
                self._give_up(name, given, time.monotonic() - began)
                break
            meanwhile()
        return self._result(name, given)

    def look(self) -> None:
        """See now and then whether PostgreSQL is there, for want of other work; it is announced if that has changed."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY_SECONDS:
            return
        self._looked_at = time.monotonic()
        for name in sorted(self._away) or ("reader",):
            for _ in range(2):  # the first may only find that the connection is an old one
                try:
                    self.call(name, lambda connection: connection.execute("SELECT"), within=_LOOK_SECONDS)
                except Unavailable:
                    continue
                break

    def close(self) -> None:
        """End the lanes."""
        for lane in self._lanes.values():
            lane.end(_LAST_WORD_SECONDS)
        self._onlooker.cut()

    def _lane(self, name: str) -> Lane:
        return Lane(name, lambda: self._connect(name))

    def _ends(self, due: float) -> float:
        if self._stopped_by is None and self._stopping():
            self._stopped_by = time.monotonic() + self._bounds.grace
        return due if self._stopped_by is None else min(due, self._stopped_by)

    def _give_up(self, name: str, given: Future[_Result], waited: float) -> None:
        """Cancel it; returns if that was answered, as it is by every server that is not ill."""
        lane = self._lanes[name]
        lane.cancel(_CANCEL_SECONDS)
        if wait([given], _LAST_WORD_SECONDS).done:
            return
        lane.cut()
        self._lanes[name] = self._lane(name)
        self._renew_other(name)
        if not self._onlooker.is_free:  # it hangs as well
            self._onlooker.cut()
            self._onlooker = self._lane("onlooker")
        fault = NotLetIn(f"PostgreSQL has not answered for {waited:.0f} s.", remedy="Connecting afresh.")
        self._is_away(name, fault)
        raise fault

    def _result(self, name: str, given: Future[_Result]) -> _Result:
        try:
            result = given.result()
        except NotLetIn as fault:
            self._is_away(name, fault)
            raise
        except (psycopg.Error, Unavailable) as error:
            self._renew_other(name)
            raise unreadable(error) if isinstance(error, psycopg.Error) else error from None
        self._is_here(name)
        return result

    def _renew_other(self, name: str) -> None:
        self._lanes[_OTHER[name]].renew()

    def _is_away(self, name: str, fault: Unavailable) -> None:
        if not self._away:
            self._away_since = time.monotonic()
            self.announce(facts.DatabaseAway(fault.problem))
        self._away.add(name)

    def _is_here(self, name: str) -> None:
        self._looked_at = time.monotonic()
        if name in self._away:
            self._away.remove(name)
            if not self._away:
                self.announce(facts.DatabaseBack(time.monotonic() - self._away_since))
