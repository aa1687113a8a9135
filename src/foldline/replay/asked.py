"""What verify is asked, what it asks of its two ends, and how it says how far it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.ports import LogFacts
from foldline.replay.cut import Cut, Row


class Tables(Protocol):
    """The tables of one moment."""

    def cut(self) -> Cut:
        """Where everything stood."""

    def lines(self, shape: type[Row]) -> Iterator[bytes]:
        """Every row as the line that COPY makes of it."""


class Log(Protocol):
    """The log, to be read once more."""

    def facts(self, partition: Partition) -> LogFacts:
        """What the broker says of a partition."""

    def span(
        self, partition: Partition, start: int, end: int, *, topic_id: str | None = None
    ) -> Iterator[Sequence[Record]]:
        """The records of these offsets."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is. `total` is an estimate while the tables are copied."""

    part: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified.

    Attributes:
        transition_topics: the topics of transition events.
        workflow_topics: those of workflow events.
        share: which part of the entities and workflows, from 0 to 1.
        most: how many differences are listed.
        directory: where rows and events are set aside; None: where temporary files go.
        processes: how many compare; None: as many as pay.
        per_bucket: about how many rows are held in memory at once, by each.
    """

    transition_topics: Collection[str]
    workflow_topics: Collection[str]
    share: float = 1.0
    most: int = 1_000
    directory: Path | None = None
    processes: int | None = None
    per_bucket: int = 8_000
