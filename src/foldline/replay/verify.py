"""Verify: copy the tables out, read the log again, fold it, compare. Nothing is written to the database.

One read-only transaction gives the tables and the positions of one moment: the tables are exactly the fold of the log
up to these positions, also beside workers that go on. Rows and events are set aside on the local disk in buckets by
entity and workflow; then each bucket is folded and compared by itself. So memory is that of one bucket, whatever the
log (this is Grace's hash join; DeWitt et al., Implementation Techniques for Main Memory Database Systems, 1984).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Final, cast

from foldline.core.batch import Counts, Partition
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record, TransitionEvent, Undecodable, WorkflowEvent
from foldline.core.machine import Machine
from foldline.replay.aside import Aside
from foldline.replay.asked import Asked, Log, Progress, Tables
from foldline.replay.compare import Comparison
from foldline.replay.copytext import columns
from foldline.replay.cut import (
    Cut,
    EntityRow,
    HistoryRow,
    IdentityRow,
    LetterRow,
    Row,
    TimelineRow,
    WorkflowRow,
)
from foldline.replay.difference import Cause, Column, Difference, Finding, Subject, What
from foldline.replay.findings import LETTERS, Findings
from foldline.replay.ledger import Ledger
from foldline.replay.letters import Letters, expected_of, letter_of
from foldline.replay.past_machines import PastMachines, recorded
from foldline.replay.refold import add
from foldline.replay.report import Gathered, Verification
from foldline.replay.sharing import Work, processes_for, shared_out
from foldline.replay.spill import Spill
from foldline.replay.told import AnyTold, Ref, Told
from foldline.replay.unread import Unread, unread

_MOST_BUCKETS: Final = 2_048
_BYTES_A_ROW: Final = 2_048  # more than most have
_SAID_EVERY: Final = 5_000
_KEYED: Final[tuple[type[Row], ...]] = (EntityRow, HistoryRow, WorkflowRow, TimelineRow)
_POSITIONS: Final = "foldline_positions"
_VERSIONS: Final = "foldline_machine_versions"
_VERDICTS: Final = ("applied", "duplicate", "rejected", "undecodable")


def verify(
    tables: AbstractContextManager[Tables],
    log: Log,
    restored: Callable[[str], Machine],
    asked: Asked,
    announce: Callable[[Progress], None],
) -> Verification:
    """Compare all that the log decides.

    Args:
        tables: the tables of the moment in which the block is entered.
        log: the log.
        restored: makes a machine of a recorded definition.
        asked: what is wanted.
        announce: told how far it is.

    Raises:
        FoldlineError: a server does not answer, or the local disk is full.
    """
    with ExitStack() as disk:
        with tables as snapshot:
            cut = snapshot.cut()
            run = _Run(cut, unread(cut, [*asked.transition_topics, *asked.workflow_topics], log.facts), asked)
            run.open(disk)
            run.copy(snapshot, announce)
        machines = recorded(cut, restored)
        run.see_definitions(machines)
        run.read(log, announce)
        run.compare(PastMachines(cut, machines, run.partitions), announce)
        return run.gathered.report(cut.taken_at, asked.share if asked.share < 1 else None, run.unread)


class _Run:
    """One run: its parts in their order."""

    def __init__(self, cut: Cut, left_out: list[Unread], asked: Asked) -> None:
        self._without = {each.key for each in left_out}
        self.unread = left_out
        self.standings = [each for each in cut.standings if each.partition not in self._without]
        self.partitions = [each.partition for each in self.standings]
        self.gathered = Gathered(asked.most)
        self._cut = cut
        self._asked = asked
        self._whole = asked.share >= 1
        self._counts: list[Counts] = [Counts() for _ in self.standings]
        self._sources = {partition: number for number, partition in enumerate(self.partitions)}
        self._records = sum(each.next_offset - each.begun_at for each in self.standings)

    def open(self, disk: ExitStack) -> None:
        """Make room on the local disk."""
        rows = sum(self._cut.estimates[shape] for shape in _KEYED)
        buckets = max(1, min(_MOST_BUCKETS, max(rows, self._records) // self._asked.per_bucket))
        place = self._asked.directory
        self._aside = Aside(
            disk.enter_context(Spill(buckets, place)),
            buckets,
            self._asked.share,
            largest=self._asked.per_bucket * _BYTES_A_ROW,
            directory=place,
        )
        self._ledger = Ledger(disk.enter_context(Spill(buckets, place)), buckets)
        self._letters = disk.enter_context(Spill(max(1, len(self.standings)), place))

    def copy(self, tables: Tables, announce: Callable[[Progress], None]) -> None:
        """Set the tables aside, as they were in one moment."""
        done, total = 0, sum(self._cut.estimates.values())
        for shape in (*_KEYED, IdentityRow, LetterRow):
            for line in tables.lines(shape):
                if shape is IdentityRow:
                    self._ledger.held(line)
                elif shape is LetterRow:
                    self._set_letter_aside(line)
                else:
                    self._aside.row(shape, line)
                done += 1
                if done % _SAID_EVERY == 0:
                    announce(Progress("copying the tables", done, max(done, total)))

    def see_definitions(self, machines: Mapping[tuple[str, int], Machine]) -> None:
        """A recorded machine must still say what it said."""
        for (fsm_type, version), machine in machines.items():
            digest = self._cut.definitions[fsm_type, version].digest
            if digest != machine.digest:
                said = (Column("version", str(version), str(version)), Column("digest", machine.digest, digest))
                subject = Subject(fsm_type=fsm_type)
                self.gathered.take(Difference(_VERSIONS, What.CHANGED, Cause.MACHINE_CHANGED, None, subject, said))

    def read(self, log: Log, announce: Callable[[Progress], None]) -> None:
        """Set the events of the log aside; what is no event is compared at once."""
        done = 0
        for source, standing in enumerate(self.standings):
            decode = decode_workflow if standing.partition.topic in self._asked.workflow_topics else decode_transition
            letters = Letters(
                LetterRow(*columns(line))  # type: ignore[arg-type]
                for line in self._letters.read(source)
            )
            self.gathered.records[standing] = 0
            for records in log.span(
                standing.partition, standing.begun_at, standing.next_offset, topic_id=standing.topic_id
            ):
                for record in records:
                    self._record(source, record, decode(record.value, record.headers), letters)
                self.gathered.records[standing] += len(records)
                done += len(records)
                announce(Progress("reading the log", done, self._records))
            for row in letters.rest():
                self._stray_letter(row)

    def compare(self, machines: PastMachines, announce: Callable[[Progress], None]) -> None:
        """Fold bucket by bucket, and compare."""
        comparison = Comparison(
            self.partitions,
            machines,
            unread=(each.key for each in self.unread),
            history_cleaned=self._cut.cleaned_up_to.get("fsm_state_history"),
            workflows_cleaned=self._cut.cleaned_up_to.get("workflow_executions"),
        )
        done = 0
        work = Work(self._aside, comparison, self._ledger.places)
        for found in shared_out(work, self._asked.processes or processes_for(self._records)):
            done += found.events
            self.gathered.add(found)
            for place, entries in found.identities.items():
                self._ledger.told(place, entries)
            for source, counts in found.counts.items():
                add(self._counts[source], counts)
            announce(Progress("comparing", done, self._records))
        whole = self._whole and not self.unread and self.gathered.all_said
        for difference in self._ledger.differences(self._subject, whole=whole):
            self.gathered.take(difference)
        if whole:
            self._compare_counts()

    def _record(
        self,
        source: int,
        record: Record,
        event: TransitionEvent | WorkflowEvent | Undecodable,
        letters: Letters,
    ) -> None:
        passed, row = letters.of(record.offset)
        for stray in passed:
            self._stray_letter(stray)
        letter = None if row is None else letter_of(row, record, event)
        if isinstance(event, Undecodable):
            self._counts[source].undecodable += 1
            of_record = Findings(Subject(), self.partitions)
            of_record.letter(expected_of(event), letter, (source, record.offset))
            self._take_all(of_record.found)
        elif self._aside.wants(event):
            self._aside.told(cast("AnyTold", Told(source, record.offset, record.redrive, letter, event)))

    def _set_letter_aside(self, line: bytes) -> None:
        row = LetterRow(*columns(line))  # type: ignore[arg-type]
        partition = Partition(row.topic, int(row.partition))
        source = self._sources.get(partition)
        if source is not None and int(row.incarnation) == self.standings[source].incarnation:
            self._letters.append(source, line)
        elif partition not in self._without:
            self._stray_letter(row)
        elif row.workflow_id is not None:
            self._aside.unread(row.workflow_id)
        elif row.fsm_type is not None and row.entity_id is not None:
            self._aside.unread((row.fsm_type, row.entity_id))

    def _stray_letter(self, row: LetterRow) -> None:
        """A dead letter of an offset that has no record, or of a log that nobody has judged."""
        subject = Subject(topic=row.topic, partition=int(row.partition), offset=int(row.record_offset))
        self.gathered.take(Difference(LETTERS, What.EXTRA, Cause.UNEXPLAINED, int(row.id), subject))

    def _take_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.gathered.take(finding)

    def _compare_counts(self) -> None:
        """Every record has ended as exactly one of four, and the positions have counted them."""
        for standing, counts in zip(self.standings, self._counts, strict=True):
            unlike = tuple(
                Column(name, str(getattr(counts, name)), str(getattr(standing, name)))
                for name in _VERDICTS
                if getattr(counts, name) != getattr(standing, name)
            )
            if unlike:
                subject = Subject(topic=standing.partition.topic, partition=standing.partition.number)
                self.gathered.take(Difference(_POSITIONS, What.CHANGED, Cause.UNEXPLAINED, None, subject, unlike))

    def _subject(self, ref: Ref) -> Subject:
        partition = self.partitions[ref[0]]
        return Subject(topic=partition.topic, partition=partition.number, offset=ref[1])
