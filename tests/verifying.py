"""Verify on a real database and a log in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.machines import restored
from foldline.ports import LogFacts
from foldline.postgres.snapshot import Snapshot
from foldline.replay.asked import Asked, Progress
from foldline.replay.difference import Difference
from foldline.replay.report import Verification
from foldline.replay.verify import verify
from harness import TRANSITIONS, WORKFLOWS


@dataclass
class MemoryLog:
    """Lists of records, read in pieces."""

    logs: Mapping[Partition, Sequence[Record]]
    low: int = 0
    topic_id: str | None = "id-1"
    compacted: bool = False

    def facts(self, partition: Partition) -> LogFacts:
        log = self.logs.get(partition, ())
        return LogFacts(self.low, log[-1].offset + 1 if log else 0, self.topic_id, compacted=self.compacted)

    def span(
        self, partition: Partition, start: int, end: int, *, topic_id: str | None = None
    ) -> Iterator[Sequence[Record]]:
        assert topic_id == self.topic_id
        wanted = [record for record in self.logs[partition] if start <= record.offset < end]
        for at in range(0, len(wanted), 7):
            yield wanted[at : at + 7]


def verified(
    database_url: str,
    log: MemoryLog,
    *,
    share: float = 1.0,
    most: int = 1_000,
    said: list[Progress] | None = None,
    processes: int | None = None,
    per_bucket: int = 8_000,
) -> Verification:
    asked = Asked([TRANSITIONS.topic], [WORKFLOWS.topic], share, most, processes=processes, per_bucket=per_bucket)
    heard = [] if said is None else said
    return verify(Snapshot(database_url), log, restored, asked, heard.append)


def named(found: Verification) -> set[tuple[str, str, str, str | None, int | None]]:
    """What the differences are: table, what, cause, of which entity or workflow, at which offset."""
    return {_name(each) for each in found.differences}


def _name(each: Difference) -> tuple[str, str, str, str | None, int | None]:
    subject = each.subject
    return each.table, each.what, each.cause, subject.entity_id or subject.workflow_id, subject.offset
