"""What `foldline check` prints: each line as it is judged, then what all of them come to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from foldline.cli.operate.status import StateCount, show_states
from foldline.cli.output import counted, line_out, listed, plain
from foldline.core.events import TransitionEvent, Verdict, WorkflowEvent
from foldline.dryrun import DryFold, Judgment

_INDENT = " " * 21


@dataclass(frozen=True, slots=True)
class CheckedLine:
    """What would become of one line.

    Attributes:
        line: its number.
        topic: the topic that it would be sent to.
        verdict: applied, duplicate, rejected or undecodable.
        fsm_type: the machine of a transition event.
        entity_id: the entity of a transition event.
        workflow_id: the workflow of a workflow event.
        correlation_id: the event's correlation id; null, as the next two, if the line is no event.
        event_id: the event's id, derived if it had none.
        action: the action of a transition event, the kind of a workflow event.
        met: the state or status that it meets; null where there is none yet.
        after: the state or status after it; null likewise.
        machine_version: the version of the machine that judges it.
        reason: the reason of the dead letter; null if it is none.
        detail: the reason explained, or what it is a duplicate of.
        field: the path of the member at fault, if one is.
        remedy: what to do about a line that is not applied.
        duplicate_of: the line that has the verdict already, if it is one of this file.
    """

    line: int
    topic: str
    verdict: str
    fsm_type: str | None
    entity_id: str | None
    workflow_id: str | None
    correlation_id: str | None
    event_id: str | None
    action: str | None
    met: str | None
    after: str | None
    machine_version: int | None
    reason: str | None
    detail: str | None
    field: str | None
    remedy: str | None
    duplicate_of: int | None


@dataclass(frozen=True, slots=True)
class TopicTotals:
    """What the lines for one topic come to.

    Attributes:
        records: how many there are.
        applied: how many would be applied.
        duplicate: how many are duplicates.
        rejected: how many would be rejected for which reason.
        undecodable: how many are undecodable for which reason.
    """

    records: int
    applied: int
    duplicate: int
    rejected: dict[str, int]
    undecodable: dict[str, int]


@dataclass(frozen=True, slots=True)
class CheckTotals:
    """What all lines of a file come to.

    Attributes:
        topics: the lines by the topic that they would be sent to.
        publish_stops_at: the line at which `foldline publish` would stop without --raw; null if at none.
        states: the entities of the file by machine and state.
        workflows: how many workflows of the file have which status.
    """

    topics: dict[str, TopicTotals]
    publish_stops_at: int | None
    states: list[StateCount]
    workflows: dict[str, int]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What would become of a file; printed as the lines are read.

    Attributes:
        lines: every line, with --quiet those that would not be applied.
        totals: what all lines come to.
    """

    lines: list[CheckedLine]
    totals: CheckTotals


@dataclass(frozen=True, slots=True)
class Checked:
    """One line that was judged, and where it would be sent. Its number is the judgment's offset."""

    topic: str
    judgment: Judgment


@dataclass
class Totals:
    """What the lines so far come to: reasons by topic and verdict; `stops_at` is the first line that is no event."""

    verdicts: defaultdict[str, Counter[Verdict]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: defaultdict[tuple[str, Verdict], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    stops_at: int | None = None

    def counting(self, lines: Iterable[Checked]) -> Iterator[Checked]:
        """The same lines, counted as they pass."""
        for line in lines:
            judgment = line.judgment
            self.verdicts[line.topic][judgment.verdict] += 1
            if judgment.reason is not None:
                self.reasons[line.topic, judgment.verdict][judgment.reason] += 1
            if judgment.verdict is Verdict.UNDECODABLE and self.stops_at is None:
                self.stops_at = judgment.offset
            yield line

    @property
    def all_verdicts(self) -> Counter[Verdict]:
        """Lines by verdict."""
        return sum(self.verdicts.values(), Counter(dict.fromkeys(Verdict, 0)))

    @property
    def fault(self) -> str | None:
        """What is wrong with the file, in a sentence; None if nothing is."""
        verdicts = self.all_verdicts
        bad = {verdict: verdicts[verdict] for verdict in (Verdict.REJECTED, Verdict.UNDECODABLE) if verdicts[verdict]}
        if not bad:
            return None
        stop = f"; `foldline publish` would stop at line {self.stops_at:,}" if self.stops_at is not None else ""
        of_all = f"{sum(bad.values()):,} of {counted(verdicts.total(), 'line')}"
        return f"{of_all} would become dead letters ({listed(bad.items())}){stop}."


def tell(lines: Iterable[Checked], totals: Totals, fold: DryFold) -> None:
    """Print the lines for people, then the totals, which are complete when the lines are at their end."""
    for line in lines:
        judgment = line.judgment
        about = "  ".join(plain(part) for part in (judgment.subject, judgment.summary) if part)
        line_out(f"{judgment.offset:>6}  {judgment.verdict:<11}  {about}")
        if judgment.remedy is not None:
            where = f"{judgment.field}: " if judgment.field is not None else ""
            line_out(f"{_INDENT}{plain(where + judgment.remedy)}")
    verdicts = totals.all_verdicts
    reasons = sum(totals.reasons.values(), Counter[str]())
    line_out()
    line_out(f"{counted(verdicts.total(), 'line')}: {', '.join(f'{verdicts[v]:,} {v}' for v in Verdict)}.")
    if reasons:
        line_out(f"Not applied: {listed(reasons.most_common())}.")
    if states := _states(fold):
        show_states(states)
    if statuses := _statuses(fold):
        line_out(f"Workflows: {listed(sorted(statuses.items()))}")


def tell_json(lines: Iterable[Checked], totals: Totals, fold: DryFold) -> None:
    """Print one `CheckReport`, line by line: a large file is never in memory."""
    line_out('{"lines": [')
    separator = ""
    for line in lines:
        line_out(separator + msgspec.json.encode(_line_json(line)).decode())
        separator = ","
    topics = {
        topic: TopicTotals(
            verdicts.total(),
            verdicts[Verdict.APPLIED],
            verdicts[Verdict.DUPLICATE],
            totals.reasons[topic, Verdict.REJECTED],
            totals.reasons[topic, Verdict.UNDECODABLE],
        )
        for topic, verdicts in totals.verdicts.items()
    }
    states = [StateCount(*each) for each in _states(fold)]
    document = CheckTotals(topics, totals.stops_at, states, _statuses(fold))
    line_out(f'], "totals": {msgspec.json.encode(document).decode()}}}')


def _line_json(line: Checked) -> CheckedLine:
    judgment = line.judgment
    event = judgment.event
    transition = event if isinstance(event, TransitionEvent) else None
    workflow = event if isinstance(event, WorkflowEvent) else None
    return CheckedLine(
        line=judgment.offset,
        topic=line.topic,
        verdict=judgment.verdict,
        fsm_type=transition.fsm_type if transition else None,
        entity_id=transition.entity_id if transition else None,
        workflow_id=workflow.workflow_id if workflow else None,
        correlation_id=event.correlation_id if event else None,
        event_id=event.event_id if event else None,
        action=transition.action if transition else workflow.kind if workflow else None,
        met=judgment.met,
        after=judgment.after,
        machine_version=judgment.machine_version,
        reason=judgment.reason,
        detail=judgment.detail,
        field=judgment.field,
        remedy=judgment.remedy,
        duplicate_of=judgment.first,
    )


def _states(fold: DryFold) -> list[tuple[str, str, int]]:
    """How many entities are in which state of which machine, those of the lines and no others."""
    counts = Counter((key[0], entity.state) for key, entity in fold.entities.items() if entity is not None)
    return [(fsm_type, state, count) for (fsm_type, state), count in sorted(counts.items())]


def _statuses(fold: DryFold) -> dict[str, int]:
    return Counter(workflow.status.value for workflow in fold.workflows.values() if workflow is not None)
