"""What goes into a fold and what comes out of it: a batch of one partition, and the plan of one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from foldline.core.decide import Entity, Outcome
from foldline.core.decide_workflow import Workflow
from foldline.core.events import STEP_KINDS, Kind, Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent

EntityKey = tuple[str, str]
"""fsm_type and entity_id."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of one topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets `start` up to, not including, `next_offset`: what one transaction moves a position over."""

    start: int
    next_offset: int


class Decoded(Struct, frozen=True, gc=False):
    """A record and what it decoded to."""

    record: Record
    event: TransitionEvent | WorkflowEvent | Undecodable


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, decoded, in the log's order. The span may be wider: control records pass unseen."""

    partition: Partition
    span: Span
    decoded: Sequence[Decoded]
    leader_epoch: int | None = None

    def halves(self) -> tuple[Batch, Batch]:
        """The batch cut in the middle. A batch may be cut anywhere: the fold of the whole is the fold of its parts."""
        middle = len(self.decoded) // 2
        cut = self.decoded[middle].record.offset
        return (
            Batch(self.partition, Span(self.span.start, cut), self.decoded[:middle], self.leader_epoch),
            Batch(self.partition, Span(cut, self.span.next_offset), self.decoded[middle:], self.leader_epoch),
        )


@dataclass(slots=True)
class Counts:
    """How many records of a batch ended as what."""

    applied: int = 0
    duplicate: int = 0
    rejected: int = 0
    undecodable: int = 0

    @property
    def total(self) -> int:
        """All records: each has exactly one verdict."""
        return self.applied + self.duplicate + self.rejected + self.undecodable


class DeadLetter(Struct, frozen=True, gc=False):
    """A record that was not applied, as it came, with the reason. `event` is None where it could not be decoded.

    `judged_as` is the number that was reserved for it, as the rows of history or timeline have one: it tells between
    which of them it was judged. None where it could not be decoded.
    """

    record: Record
    verdict: Verdict
    reason: str
    detail: str
    event: TransitionEvent | WorkflowEvent | None = None
    judged_as: int | None = None


class Stray(Struct, frozen=True, gc=False):
    """An event of an entity, or a workflow, whose last hop came from another partition; `name` says which one."""

    name: str
    offset: int
    correlation_id: str


class HistoryRow(Struct, frozen=True, gc=False):
    """One judged transition event. `id` is reserved from the history's sequence; in log order per entity."""

    id: int
    offset: int
    event: TransitionEvent
    outcome: Outcome
    duration_ms: float | None
    definition_version: int | None


class TimelineRow(Struct, frozen=True, gc=False):
    """One applied workflow event. Of what the event says, the timeline has what its kind has a use for."""

    id: int
    offset: int
    event: WorkflowEvent

    @property
    def step(self) -> str | None:
        """The step, of an event that is about one."""
        return self.event.step if self.event.kind in STEP_KINDS else None

    @property
    def error_message(self) -> str | None:
        """The error message, of an event that reports a failure."""
        return self.event.error_message if self.event.kind in (Kind.STEP_FAILED, Kind.FAILED) else None

    @property
    def payload(self) -> str | None:
        """What the workflow was started with, or completed with."""
        match self.event.kind:
            case Kind.STARTED:
                return self.event.input_payload
            case Kind.COMPLETED:
                return self.event.output_results
            case _:
                return None


class Identity(Struct, frozen=True, gc=False):
    """The verdict that an identity got, and whether it had been rejected before (a redrive)."""

    digest: str
    verdict: Verdict
    rejudged: bool = False


@dataclass(slots=True)
class Plan:
    """Everything that one transaction writes for one batch, and what it assumes.

    `before` maps each judged key to what the fold started from (None: absent); `after` those that moved to their new
    value. The transaction applies the plan only if `before` still holds.
    """

    batch: Batch
    counts: Counts = field(default_factory=Counts)
    identities: dict[str, Identity] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)


@dataclass(slots=True)
class TransitionPlan(Plan):
    """The plan of a batch of transition events."""

    history: list[HistoryRow] = field(default_factory=list)
    before: dict[EntityKey, Entity | None] = field(default_factory=dict)
    after: dict[EntityKey, Entity] = field(default_factory=dict)


@dataclass(slots=True)
class WorkflowPlan(Plan):
    """The plan of a batch of workflow events."""

    timeline: list[TimelineRow] = field(default_factory=list)
    before: dict[str, Workflow | None] = field(default_factory=dict)
    after: dict[str, Workflow] = field(default_factory=dict)


KnownVerdicts = Mapping[str, Verdict]
"""Verdicts that identities already have, by digest; an absent digest has none."""
