"""Buckets compared by several processes at once, where there are enough of them: nothing of one depends on another.

Each process is started anew and not forked, for a fork would copy the locks that threads of Kafka's client hold. It is
sent what is to be done once it runs, with the file that rows and events lie in; it takes every so many-th bucket, and
sends what came of it. Results are taken in the order of the buckets, so that a report is the same however many
processes made it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Final

from foldline.core.batch import Counts
from foldline.errors import FoldlineError
from foldline.replay.aside import Aside, Bucket
from foldline.replay.compare import Compared, Comparison
from foldline.replay.difference import Finding
from foldline.replay.ledger import entry_of, place_of
from foldline.replay.refold import add

_WORTH_STARTING: Final = 100_000
_MOST: Final = 4


@dataclass(slots=True)
class Outcome:
    """What came of one bucket.

    Attributes:
        events: how many events were folded.
        entities: how many entities were compared.
        workflows: how many workflows.
        findings: differences, and changes by hand.
        left_out: how often nothing could be said, by reason.
        counts: how the records of each partition ended.
        identities: entries of the ledger, by where they belong in it.
    """

    events: int = 0
    entities: int = 0
    workflows: int = 0
    findings: list[Finding] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    counts: dict[int, Counts] = field(default_factory=dict)
    identities: dict[int, bytearray] = field(default_factory=lambda: defaultdict(bytearray))


@dataclass(frozen=True, slots=True)
class Work:
    """What the processes share: what lies aside, how it is compared, and how many places the ledger has."""

    aside: Aside
    comparison: Comparison
    places: int

    def outcomes(self, first: int = 0, every: int = 1) -> Iterator[Outcome]:
        """What comes of every so many-th bucket."""
        for number in range(first, self.aside.count, every):
            for bucket in self.aside.bucket(number):
                yield self._outcome(bucket)

    def _outcome(self, bucket: Bucket) -> Outcome:
        found = Outcome()
        for key, entity in bucket.entities.items():
            found.entities += self._take(found, self.comparison.entity(key, entity.told, entity.held))
            found.events += len(entity.told)
        for name, workflow in bucket.workflows.items():
            found.workflows += self._take(found, self.comparison.workflow(name, workflow.told, workflow.held))
            found.events += len(workflow.told)
        return found

    def _take(self, found: Outcome, compared: Compared) -> bool:
        """Add it; whether it was compared."""
        if compared.left_out is not None:
            found.left_out[compared.left_out] += 1
            return False
        found.findings += compared.findings
        for digest, (verdict, ref) in compared.verdicts.items():
            entry = entry_of(digest, verdict, ref)
            found.identities[place_of(entry, self.places)] += entry
        for source, counts in compared.counts.items():
            add(found.counts.setdefault(source, Counts()), counts)
        return True


def processes_for(events: int) -> int:
    """How many processes so many events are worth: one a core of ours, four at the most."""
    return max(1, min(_MOST, len(os.sched_getaffinity(0)), events // _WORTH_STARTING))


def shared_out(work: Work, processes: int) -> Iterator[Outcome]:
    """What comes of every bucket, in their order.

    Raises:
        FoldlineError: as a process raised it, or one has died.
    """
    processes = min(processes, work.aside.count)
    if processes == 1:
        yield from work.outcomes()
        return
    with ExitStack() as started:
        children = [started.enter_context(_child(first, processes)) for first in range(processes)]
        for child in children:
            _send(child, work)
        for number in range(work.aside.count):
            while (found := _received(children[number % processes].connection)) is not None:
                yield found


@dataclass(frozen=True, slots=True)
class _Child:
    connection: Connection
    pid: int


@contextmanager
def _child(first: int, every: int) -> Iterator[_Child]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_compare, args=(theirs, first, every), daemon=True)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a child keeps it: whoever interrupts us ends it
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    theirs.close()
    try:
        assert process.pid is not None, "it has started"
        yield _Child(ours, process.pid)
    finally:
        ours.close()
        process.kill()
        process.join()


def _send(child: _Child, work: Work) -> None:
    try:
        child.connection.send(work)
        send_handle(child.connection, work.aside.spill.descriptor, child.pid)
    except OSError:
        raise _died() from None


def _compare(connection: Connection, first: int, every: int) -> None:
    """In a process of its own. After each bucket comes None."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    with suppress(OSError, EOFError):  # the command has ended
        work: Work = connection.recv()
        work.aside.spill.from_file(recv_handle(connection))
        for number in range(first, work.aside.count, every):
            try:
                for found in work.outcomes(number, work.aside.count):
                    connection.send(found)
            except FoldlineError as error:
                connection.send(error)
                return
            connection.send(None)


def _died() -> FoldlineError:
    return FoldlineError(
        "A process that folds a part of the log has died.", remedy="The kernel's log says whether memory ran out."
    )


def _received(receiver: Connection) -> Outcome | None:
    try:
        found = receiver.recv()
    except (EOFError, OSError):
        raise _died() from None
    if isinstance(found, FoldlineError):
        raise found
    assert found is None or isinstance(found, Outcome)
    return found
