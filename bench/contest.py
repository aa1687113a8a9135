"""The runs: every pass lets each contestant do the whole log once, in an order that rotates from pass to pass."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from bench import by_hand, limit, ours
from bench.databases import BY_HAND, OURS, Databases
from bench.job import Job
from bench.meter import Measured, ServerProcesses
from bench.workload import Workload

_SECONDS_BEFORE = 60
_SLOWEST_EVENTS_A_SECOND = 500


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who runs, on a copy of which database, and where its states are afterwards."""

    name: str
    run: Callable[[Job], Measured]
    prepared: str
    state_table: str


CONTESTANTS = (
    Contestant("foldline", ours.run, OURS, "fsm_state"),
    Contestant("loop by hand (a)", by_hand.run, BY_HAND, "fsm_state"),
    Contestant("limit (b)", limit.run, OURS, "limit_state"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant's run in one pass."""

    name: str
    number: int
    measured: Measured


@dataclass(frozen=True, slots=True)
class Contest:
    """The servers, and what is run on them."""

    bootstrap_servers: str
    servers: ServerProcesses
    workload: Workload
    databases: Databases = field(repr=False)

    def runs(self, passes: int) -> Iterator[Run]:
        """Every run as it ends. A run that did not do its work raises."""
        for number in range(passes):
            for turn in range(len(CONTESTANTS)):
                contestant = CONTESTANTS[(number + turn) % len(CONTESTANTS)]
                yield Run(contestant.name, number, self._run(contestant, number))

    def _run(self, contestant: Contestant, number: int) -> Measured:
        seconds = _SECONDS_BEFORE + self.workload.events / _SLOWEST_EVENTS_A_SECOND
        with self.databases.copy(contestant.prepared) as url:
            job = Job(
                url,
                self.bootstrap_servers,
                self.servers,
                replace(self.workload),  # without what it has worked out: that would travel along
                f"bench-{contestant.prepared}-{number}",
                seconds,
            )
            measured = alone(contestant.run, job)
            self.databases.verify(url, contestant.state_table)
        return measured


class RunFailedError(Exception):
    """A run ended without a result; what its process wrote to stderr says why."""


def alone(run: Callable[[Job], Measured], job: Job) -> Measured:
    """In a process of its own, which ends in any case."""
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_send, args=(run, job, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(job.seconds + _SECONDS_BEFORE):
            raise RunFailedError(f"no result within {job.seconds + _SECONDS_BEFORE:.0f} s")
        measured = receiver.recv()
    except EOFError:
        raise RunFailedError("its process ended without a result") from None
    finally:
        process.kill()
        process.join()
    assert isinstance(measured, Measured)
    return measured


def _send(run: Callable[[Job], Measured], job: Job, sender: Connection) -> None:
    sender.send(run(job))
