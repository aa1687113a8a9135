"""The answer of verify, and how it is gathered: everything is counted, the first of it is listed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from foldline.replay.cut import Standing
from foldline.replay.difference import Difference, Finding, ManualChange
from foldline.replay.sharing import Outcome
from foldline.replay.unread import Unread


@dataclass(frozen=True, slots=True)
class SpanRead:
    """What was read of one partition.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        from_offset: the first offset.
        to_offset: the offset behind the last: its position when the tables were copied.
        records: how many records lay there.
    """

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    records: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows differ in one way.

    Attributes:
        table: the table.
        what: missing, extra or changed.
        cause: hand_written, machine_changed, lost or unexplained.
        rows: how many rows.
    """

    table: str
    what: str
    cause: str
    rows: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Entities and workflows of which nothing can be said.

    Attributes:
        why: why.
        count: how many they are.
    """

    why: str
    count: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What `foldline verify` found.

    Attributes:
        clean: whether everything that was compared is as the log has it.
        whole: whether everything was compared: no partition was left out, and this is no sample.
        taken_at: the moment of the tables, by the database's clock.
        sample: the share of entities and workflows that were compared; null if all.
        records: how many records were read.
        entities: how many entities were compared.
        workflows: how many workflows.
        partitions: what was read.
        unread: partitions that could not be.
        left_out: entities and workflows of which nothing can be said, although their partitions were read.
        tallies: how many rows differ, by table and cause.
        differences: the rows that differ, the first of them.
        manual_changes: how many states were changed by hand, and recorded.
        manual: those, the first of them.
    """

    clean: bool
    whole: bool
    taken_at: datetime
    sample: float | None
    records: int
    entities: int
    workflows: int
    partitions: list[SpanRead]
    unread: list[Unread]
    left_out: list[LeftOut]
    tallies: list[Tally]
    differences: list[Difference]
    manual_changes: int
    manual: list[ManualChange]


@dataclass(slots=True)
class Gathered:
    """What has been found so far. `most`: of differences, and of changes by hand, so many are listed."""

    most: int
    records: Counter[Standing] = field(default_factory=Counter)
    entities: int = 0
    workflows: int = 0
    manual_changes: int = 0
    _tallies: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _differences: list[Difference] = field(default_factory=list)
    _manual: list[ManualChange] = field(default_factory=list)
    _left_out: Counter[str] = field(default_factory=Counter)

    def take(self, finding: Finding) -> None:
        """Count it, and keep it if there is room."""
        match finding:
            case Difference():
                self._tallies[finding.table, finding.what, finding.cause] += 1
                if len(self._differences) < self.most:
                    self._differences.append(finding)
            case ManualChange():
                self.manual_changes += 1
                if len(self._manual) < self.most:
                    self._manual.append(finding)

    def add(self, outcome: Outcome) -> None:
        """All that came of one bucket."""
        self.entities += outcome.entities
        self.workflows += outcome.workflows
        self._left_out.update(outcome.left_out)
        for finding in outcome.findings:
            self.take(finding)

    @property
    def all_said(self) -> bool:
        """Whether nothing was left out."""
        return not self._left_out

    def report(self, taken_at: datetime, sample: float | None, unread: list[Unread]) -> Verification:
        """All of it."""
        return Verification(
            clean=not self._tallies,
            whole=sample is None and not unread and self.all_said,
            taken_at=taken_at,
            sample=sample,
            records=self.records.total(),
            entities=self.entities,
            workflows=self.workflows,
            partitions=[
                SpanRead(each.partition.topic, each.partition.number, each.begun_at, each.next_offset, records)
                for each, records in self.records.items()
            ],
            unread=unread,
            left_out=[LeftOut(why, count) for why, count in self._left_out.most_common()],
            tallies=[Tally(*key, rows) for key, rows in sorted(self._tallies.items())],
            differences=self._differences,
            manual_changes=self.manual_changes,
            manual=self._manual,
        )
