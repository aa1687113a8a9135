"""What would become of dead letters if they were redriven now: the real fold, from what the tables hold.

Letters are read, and what they are judged by, page by page. What stays in memory is what the fold keeps: a row for each
entity and workflow, a verdict for each event.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from foldline.app import Place, machines_of
from foldline.cli.from_tables import start_from_tables
from foldline.cli.output import counted, json_out, line_out, listed, plain, table_out
from foldline.cli.stories.as_it_came import name_of
from foldline.core.batch import Decoded, Partition
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import REDRIVE_HEADER, Record, TransitionEvent, Undecodable, Verdict, WorkflowEvent
from foldline.core.machine import Machines
from foldline.dryrun import DryFold, Judgment
from foldline.postgres.letter_entries import DeadLetterRecord
from foldline.postgres.letters import Letters
from foldline.postgres.reports import Reports

_SHOWN = 50


@dataclass(slots=True)
class SubjectForecast:
    """What would become of the dead letters of one entity or workflow.

    Attributes:
        fsm_type: the machine of an entity.
        entity_id: the entity; null for a workflow.
        workflow_id: the workflow; null for an entity.
        letters: how many dead letters of it are judged.
        passing: how many of them would be applied, or were applied meanwhile.
        passing_before: how many of these come before the first that would be refused.
        refused_letter: the number of the first one that would be refused; null, as the next three, if there is none.
        refused_in: the state or status that it would meet.
        reason: why it would be refused.
        detail: the reason explained.
        state: the state or status after all of them; null where there is none.
    """

    fsm_type: str | None
    entity_id: str | None
    workflow_id: str | None
    letters: int = 0
    passing: int = 0
    passing_before: int = 0
    refused_letter: int | None = None
    refused_in: str | None = None
    reason: str | None = None
    detail: str | None = None
    state: str | None = None

    def meet(self, number: int, judgment: Judgment) -> None:
        """Take in what would become of its next letter."""
        self.letters += 1
        self.state = judgment.after
        if judgment.verdict in (Verdict.APPLIED, Verdict.DUPLICATE):
            self.passing += 1
            self.passing_before += self.refused_letter is None
        elif self.refused_letter is None:
            self.refused_letter, self.refused_in = number, judgment.met
            self.reason, self.detail = judgment.reason, judgment.detail


@dataclass(frozen=True, slots=True)
class OtherMachine:
    """A machine that is loaded here, and is not the one that judges a partition now.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        fsm_type: the machine.
        loaded: the version that is loaded here; null if none is.
        judging: the version that judges there; null if none does.
    """

    topic: str
    partition: int
    fsm_type: str
    loaded: int | None
    judging: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would become of dead letters if they were redriven now.

    Attributes:
        letters: how many are judged.
        applied: how many would be applied.
        duplicate: of how many the event was applied meanwhile.
        rejected: how many would be rejected again for which reason.
        undecodable: how many cannot be decoded for which reason.
        left_out: how many would not be redriven, for which reason.
        subjects: each entity and workflow, in the order of its first dead letter.
        other_machines: where other machine versions judge than are loaded here.
    """

    letters: int
    applied: int
    duplicate: int
    rejected: dict[str, int]
    undecodable: dict[str, int]
    left_out: dict[str, int]
    subjects: list[SubjectForecast]
    other_machines: list[OtherMachine]


def rehearse(
    place: Place,
    letters: Letters,
    pages: Iterator[list[DeadLetterRecord]],
    left_out: dict[str, int],
    *,
    as_json: bool,
) -> None:
    """Judge the letters in their order and print what would become of them; `left_out` is complete after the last."""
    machines = machines_of(place.settings)
    fold = DryFold(machines, place="dead letter", payloads=False)
    seen = _Seen()
    for page in pages:
        decoded = [_decoded(letter, frozenset(place.settings.workflow_topics)) for letter in page]
        events = [each.event for each in decoded if not isinstance(each.event, Undecodable)]
        start_from_tables(fold, Reports(place.database_url), events)
        for letter, each in zip(page, decoded, strict=True):
            seen.count(letter, fold.judge(each))
    forecast = Forecast(
        seen.verdicts.total(),
        seen.verdicts[Verdict.APPLIED],
        seen.verdicts[Verdict.DUPLICATE],
        seen.reasons[Verdict.REJECTED],
        seen.reasons[Verdict.UNDECODABLE],
        left_out,
        list(seen.subjects.values()),
        list(_other_machines(seen.judged_on, machines, letters)),
    )
    if as_json:
        json_out(forecast)
    else:
        _tell(forecast)


def _other_machines(
    judged_on: Mapping[Partition, Collection[str]], machines: Machines, letters: Letters
) -> Iterator[OtherMachine]:
    """Where what is loaded here is not what judges there now."""
    for partition, fsm_types in judged_on.items():
        judging = letters.judged_by(partition)
        for name in sorted(fsm_types):
            loaded = machines[name].version if name in machines else None
            if judging.get(name) != loaded:
                yield OtherMachine(partition.topic, partition.number, name, loaded, judging.get(name))


@dataclass
class _Seen:
    """What the letters so far come to."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: defaultdict[Verdict, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    subjects: dict[tuple[str | None, ...], SubjectForecast] = field(default_factory=dict)
    judged_on: dict[Partition, set[str]] = field(default_factory=dict)

    def count(self, letter: DeadLetterRecord, judgment: Judgment) -> None:
        self.verdicts[judgment.verdict] += 1
        if judgment.reason is not None:
            self.reasons[judgment.verdict][judgment.reason] += 1
        match judgment.event:
            case TransitionEvent(fsm_type=fsm_type, entity_id=entity_id):
                self.judged_on.setdefault(letter.source, set()).add(fsm_type)
                self._of(fsm_type, entity_id, None).meet(letter.id, judgment)
            case WorkflowEvent(workflow_id=workflow_id):
                self._of(None, None, workflow_id).meet(letter.id, judgment)
            case None:
                pass

    def _of(self, fsm_type: str | None, entity_id: str | None, workflow_id: str | None) -> SubjectForecast:
        key = (fsm_type, entity_id, workflow_id)
        return self.subjects.setdefault(key, SubjectForecast(*key))


def _decoded(letter: DeadLetterRecord, workflow_topics: frozenset[str]) -> Decoded:
    """The letter's record as its redrive, with the letter's number for an offset."""
    headers = (*letter.headers, (REDRIVE_HEADER, b""))
    decode = decode_workflow if letter.topic in workflow_topics else decode_transition
    return Decoded(Record(letter.id, letter.key, letter.value, headers), decode(letter.value, headers))


def _tell(forecast: Forecast) -> None:
    refused = Counter(forecast.rejected) + Counter(forecast.undecodable)
    passing = forecast.applied + forecast.duplicate
    meanwhile = f" ({forecast.duplicate:,} applied meanwhile)" if forecast.duplicate else ""
    line_out(f"Of {counted(forecast.letters, 'dead letter')} {passing:,} would pass now{meanwhile}.")
    if refused:
        line_out(f"Not: {listed(refused.most_common())}.")
    if forecast.left_out:
        line_out(f"Left out: {listed(sorted(forecast.left_out.items()))}.")
    if forecast.subjects:
        line_out()
        table_out(
            ["of", "letters", "pass", "would be in", "how far"], [_row(each) for each in forecast.subjects[:_SHOWN]]
        )
    if len(forecast.subjects) > _SHOWN:
        line_out(f"And {len(forecast.subjects) - _SHOWN:,} more, which --json has.")
    for other in forecast.other_machines:
        line_out(
            f"{other.fsm_type} is judged on {Partition(other.topic, other.partition)} by {_version(other.judging)} now,"
            f" and {_version(other.loaded)} is loaded here: all this holds once that is what workers run."
        )


def _row(subject: SubjectForecast) -> list[object]:
    name = name_of(subject.fsm_type, subject.entity_id, subject.workflow_id)
    return [name, subject.letters, subject.passing, subject.state, _how_far(subject)]


def _how_far(subject: SubjectForecast) -> str:
    if subject.reason is None:
        return "all"
    met = f" since it is in {subject.refused_in}" if subject.refused_in is not None else ""
    return (
        f"{subject.passing_before} of {subject.letters}, then {subject.reason}{met}"
        f" (dead letter {subject.refused_letter}: {plain(subject.detail)})"
    )


def _version(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
