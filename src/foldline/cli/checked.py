"""What `foldline check` prints: each line as it is judged, then what all of them come to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from foldline.cli.output import counted, line_out, listed, plain
from foldline.cli.status import show_states
from foldline.core.events import TransitionEvent, Verdict, WorkflowEvent
from foldline.dryrun import DryFold, Judgment

_INDENT = " " * 21


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
    """Print one JSON document, line by line: a large file is never in memory."""
    line_out('{"lines": [')
    separator = ""
    for line in lines:
        line_out(separator + msgspec.json.encode(_line_json(line)).decode())
        separator = ","
    document = {
        "topics": {
            topic: {
                "records": verdicts.total(),
                "applied": verdicts[Verdict.APPLIED],
                "duplicate": verdicts[Verdict.DUPLICATE],
                "rejected": totals.reasons[topic, Verdict.REJECTED],
                "undecodable": totals.reasons[topic, Verdict.UNDECODABLE],
            }
            for topic, verdicts in totals.verdicts.items()
        },
        "publish_stops_at": totals.stops_at,
        "states": [{"fsm_type": f, "state": s, "entities": count} for f, s, count in _states(fold)],
        "workflows": _statuses(fold),
    }
    line_out(f'], "totals": {msgspec.json.encode(document).decode()}}}')


def _line_json(line: Checked) -> dict[str, object]:
    judgment = line.judgment
    event = judgment.event
    transition = event if isinstance(event, TransitionEvent) else None
    workflow = event if isinstance(event, WorkflowEvent) else None
    return {
        "line": judgment.offset,
        "topic": line.topic,
        "verdict": judgment.verdict,
        "fsm_type": transition and transition.fsm_type,
        "entity_id": transition and transition.entity_id,
        "workflow_id": workflow and workflow.workflow_id,
        "correlation_id": event and event.correlation_id,
        "event_id": event and event.event_id,
        "action": transition.action if transition is not None else workflow and workflow.kind,
        "met": judgment.met,
        "after": judgment.after,
        "machine_version": judgment.machine_version,
        "reason": judgment.reason,
        "detail": judgment.detail,
        "field": judgment.field,
        "remedy": judgment.remedy,
        "duplicate_of": judgment.first,
    }


def _states(fold: DryFold) -> list[tuple[str, str, int]]:
    """How many entities are in which state of which machine, those of the lines and no others."""
    counts = Counter((key[0], entity.state) for key, entity in fold.entities.items() if entity is not None)
    return [(fsm_type, state, count) for (fsm_type, state), count in sorted(counts.items())]


def _statuses(fold: DryFold) -> dict[str, int]:
    return Counter(workflow.status.value for workflow in fold.workflows.values() if workflow is not None)
