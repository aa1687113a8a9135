"""Carries a schedule out: lays the traps, deals the blows, and sets up again what was struck down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import assert_never

import psycopg

from foldline.embedded.servers import RunningServers
from torture.installation import Installation, end_sessions, kill_broker, restart_database
from torture.operators import Operators
from torture.points import Point
from torture.proxy import Blow, Trap
from torture.schedule import (
    RARE,
    SESSION_SECONDS,
    Ambush,
    ChangeByHand,
    Correct,
    Deploy,
    EndSessions,
    Freeze,
    KillBroker,
    Leave,
    Redrive,
    RestartDatabase,
    Step,
)
from torture.stories import NEWER
from torture.workers import Worker

_TICK = 0.05
_FREEZE_SECONDS = SESSION_SECONDS + 2.0
_FREEZE_LONGER_AT = (Point.REPEATS, Point.IDENTITIES, Point.ENTITIES, Point.WORKFLOWS, Point.COMMIT)
_FREEZE_LONGER_SECONDS = SESSION_SECONDS + 6.0  # until others are far beyond, or end whoever holds a lock
_BACK_AFTER_SECONDS = 0.5
_LEAST_HEALTHY = 2
_BORN_SECONDS = 1.5
_COMMON_SECONDS = 2.0
_RARE_SECONDS = 8.0
_ALL_THERE_SECONDS = 20.0


@dataclass
class Siege:
    """What is being done to these workers and these servers, and what was done so far."""

    workers: Sequence[Worker]
    running: RunningServers
    installation: Installation
    operators: Operators
    done: Counter[str] = field(default_factory=Counter)
    _due: dict[int, float] = field(default_factory=dict)
    _born: dict[int, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Start all workers."""
        for worker in self.workers:
            self._start(worker)

    def carry_out(self, schedule: Iterator[Step], seconds: float) -> None:
        """Take step by step until the time is over."""
        until = time.monotonic() + seconds
        for step in schedule:
            self._tend(step.pause)
            while time.monotonic() < until and len(self._healthy()) < _LEAST_HEALTHY:
                self._tend(_TICK)
            if time.monotonic() >= until:
                return
            self._take(step)

    def relieve(self) -> None:
        """Nothing is done any more: what is frozen goes on."""
        for worker in self.workers:
            worker.proxy.set(None)
            if worker.frozen:
                worker.thaw()

    def usurp(self) -> None:
        """The last blow: a claim that comes when the partition is somebody else's, from one who dies of it.

        The group knows nothing of it and gives the partition to nobody: its owner has to claim it back by itself.
        """
        self.relieve()
        self._due.clear()
        for worker in self.workers:
            if worker.machines != NEWER:
                self._deploy(worker)
                worker.wait()
        until = time.monotonic() + _ALL_THERE_SECONDS
        while len(self._healthy()) < len(self.workers) and time.monotonic() < until:
            self._tend(_TICK)
        usurper, late, answered = self.workers[0], Trap(Point.CLAIM, Blow.FREEZE), Trap(Point.CLAIMED, Blow.KILL)
        usurper.kill()
        usurper.proxy.set(late)
        self._start(usurper)
        until = time.monotonic() + _ALL_THERE_SECONDS
        while not late.sprung.is_set() and time.monotonic() < until:
            self._tend(_TICK)  # a static member may have to come twice: the group still takes it for alive
        if late.sprung.is_set():
            time.sleep(_FREEZE_LONGER_SECONDS)
            usurper.proxy.set(answered)
            usurper.thaw()
        if late.sprung.is_set() and answered.sprung.wait(_COMMON_SECONDS):
            self.done["usurped"] += 1
            time.sleep(_COMMON_SECONDS)  # until its owner has heard of it, while there is more to project
        else:
            self.done["missed"] += 1
        self.relieve()

    def _take(self, step: Step) -> None:
        healthy = self._healthy()
        worker = healthy[step.victim % len(healthy)]
        match step.act:
            case Ambush(point=Point.CLAIM | Point.CLAIMED):  # only who is new claims for certain
                self._await([worker], step.act, anew=True)
            case Ambush():
                self._await(healthy, step.act)
            case Freeze():
                worker.freeze()
                self.done["freeze"] += 1
                self._due[worker.number] = time.monotonic() + _FREEZE_SECONDS
            case Leave():
                worker.leave()
                self.done["leave"] += 1
            case RestartDatabase():
                restart_database(self.running)
                self.done["database restart"] += 1
            case EndSessions():
                with suppress(psycopg.OperationalError):
                    self.done["session ended"] += end_sessions(self.installation.database_url)
            case KillBroker(seconds=seconds):
                kill_broker(self.running, seconds)
                self.done["broker kill"] += 1
            case Deploy():
                older = [worker for worker in self.workers if worker.machines != NEWER]
                if older:
                    self._deploy(older[step.victim % len(older)])
            case ChangeByHand() | Redrive() | Correct():
                self.operators.mend(step.act, step.victim)
            case _:
                assert_never(step.act)

    def _await(self, victims: Sequence[Worker], act: Ambush, *, anew: bool = False) -> None:
        """Lay a trap for all of these, and wait a while for the first of them to be caught."""
        trap = Trap(act.point, act.blow, act.after)
        for worker in victims:
            if anew:
                worker.kill()
            worker.proxy.set(trap)
            if anew:
                self._start(worker)
        deadline = time.monotonic() + (_RARE_SECONDS if act.point in RARE else _COMMON_SECONDS)
        while not trap.sprung.is_set() and time.monotonic() < deadline:
            self._tend(_TICK)
        for worker in victims:
            worker.proxy.set(None)
        if trap.caught is None:
            self.done["missed"] += 1
            return
        self.done[f"{act.blow} at {act.point}"] += 1
        if act.blow is Blow.FREEZE:
            caught = next(worker for worker in victims if worker.proxy is trap.caught)
            seconds = _FREEZE_LONGER_SECONDS if act.point in _FREEZE_LONGER_AT else _FREEZE_SECONDS
            self._due[caught.number] = time.monotonic() + seconds

    def _tend(self, seconds: float) -> None:
        """Let time pass; thaw who was frozen long enough, and set up again who is gone."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for worker in self.workers:
                due = self._due.get(worker.number)
                if not worker.alive:
                    self._due.setdefault(worker.number, now + _BACK_AFTER_SECONDS)
                if due is not None and due <= now:
                    del self._due[worker.number]
                    if worker.frozen:
                        worker.thaw()
                    elif not worker.alive:
                        self._start(worker)
            if now >= until:
                return
            time.sleep(min(_TICK, until - now))

    def _deploy(self, worker: Worker) -> None:
        worker.machines = NEWER
        worker.leave()
        self.done["deployed"] += 1

    def _start(self, worker: Worker) -> None:
        if worker.refused:  # others have gone ahead
            worker.machines = NEWER
            self.done["too old"] += 1
        worker.start()
        self._born[worker.number] = time.monotonic()

    def _healthy(self) -> list[Worker]:
        grown = time.monotonic() - _BORN_SECONDS
        return [
            worker
            for worker in self.workers
            if worker.alive and not worker.frozen and self._born[worker.number] < grown
        ]
