"""The example log as a whole: who lives in it, which story each is told, and the counts that must come of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from foldline.example.dice import MINUTE, Dice
from foldline.example.entity import EntityStory
from foldline.example.paths import INGESTION, PATTERN_LEARNING, QUALITY_ASSESSMENT
from foldline.example.planted import START
from foldline.example.stories import STORIES, read_first
from foldline.example.workflow import OPERATIONS, WorkflowStory
from foldline.example.workflow_stories import WORKFLOW_STORIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from foldline.example.planted import Planted

_Story = TypeVar("_Story")

DEFAULT_SEED = 7
DEFAULT_ENTITIES = 780
_READ_FIRST = 7

_MACHINES = (INGESTION, INGESTION, QUALITY_ASSESSMENT, INGESTION, PATTERN_LEARNING, QUALITY_ASSESSMENT, INGESTION)
_WORKFLOW_FOR_EVERY = 9  # shares no factor with the number of machines above, so that workflows meet all of them
_BEGINNINGS = (5 * MINUTE, 8 * 60 * MINUTE)
_READ_FIRST_BEGINS = 2 * MINUTE
_WORKFLOW_STREAM = 500_000
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class ExampleLog:
    """The planted events in the order of the log, and the narrators who know how each entity and workflow ended."""

    records: tuple[Planted, ...]
    entities: tuple[EntityStory, ...]
    workflows: tuple[WorkflowStory, ...]

    @property
    def transitions(self) -> Iterator[Planted]:
        """The records of the transition topic, in order."""
        return (planted for planted in self.records if planted.is_transition)

    @property
    def workflow_events(self) -> Iterator[Planted]:
        """The records of the workflow topic, in order."""
        return (planted for planted in self.records if not planted.is_transition)

    def expected(self) -> dict[str, object]:
        """Return what must come of the log: verdicts, reasons, and the rows and states that the tables end with."""
        timelines = [planted for planted in self.workflow_events if planted.verdict == "applied"]
        histories = [
            planted
            for planted in self.transitions
            if planted.verdict != "duplicate" and planted.reason != "unknown_fsm"  # that one is a dead letter only
        ]
        states = Counter((story.path.fsm_type, story.state) for story in self.entities if story.state is not None)
        statuses = Counter(story.status for story in self.workflows if story.status is not None)
        return {
            "transitions": _verdicts(self.transitions),
            "workflows": _verdicts(self.workflow_events),
            "rows": {
                "fsm_state": states.total(),
                "fsm_state_history": len(histories),
                "workflow_executions": statuses.total(),
                "workflow_execution_history": len(timelines),
                "dead_letters": sum(planted.verdict == "rejected" for planted in self.records),
            },
            "states": {
                path.fsm_type: {state: count for (fsm, state), count in sorted(states.items()) if fsm == path.fsm_type}
                for path in (INGESTION, PATTERN_LEARNING, QUALITY_ASSESSMENT)
            },
            "statuses": dict(sorted(statuses.items())),
        }


def example_log(
    seed: int = DEFAULT_SEED, entities: int = DEFAULT_ENTITIES, *, start: datetime = START, mark: str = ""
) -> ExampleLog:
    """Return the log of so many entities and a workflow for every ninth of them, over a day that begins at `start`.

    The same arguments give the same log, on every Python. From 120 entities on every story is told at least once; the
    seventh document is always the one to read first. `mark` stands in every entity's and workflow's id: another mark,
    other entities.
    """
    told = tuple(_entities(seed, entities, start, mark))
    workflows = tuple(_workflows(seed, told[_WORKFLOW_FOR_EVERY - 1 :: _WORKFLOW_FOR_EVERY], start, mark))
    planted = chain.from_iterable(chain((entity.planted for entity in told), (flow.planted for flow in workflows)))
    return ExampleLog(tuple(sorted(planted, key=lambda event: event.published)), told, workflows)


def read_first_of(mark: str = "") -> str:
    """Return the id of the document to read first."""
    return named(INGESTION.prefix, mark, _READ_FIRST)


def named(prefix: str, mark: str, number: int) -> str:
    """Return an id: `doc-0007`, or with a mark `doc-m-0007`."""
    return f"{prefix}-{mark}-{number:04d}" if mark else f"{prefix}-{number:04d}"


def _entities(seed: int, count: int, start: datetime, mark: str) -> Iterator[EntityStory]:
    numbers: Counter[str] = Counter()
    for index in range(count):
        path = _MACHINES[index % len(_MACHINES)]
        numbers[path.prefix] += 1
        entity_id = named(path.prefix, mark, numbers[path.prefix])
        dice = Dice(seed, index)
        tell, begins = _chosen(STORIES, index, dice), dice.micros(*_BEGINNINGS)
        if entity_id == read_first_of(mark):
            tell, begins = read_first, _READ_FIRST_BEGINS
        story = EntityStory(path, entity_id, dice, seed=seed, start=start, clock=begins)
        story.name = tell.__name__
        tell(story)
        yield story


def _workflows(seed: int, entities: Sequence[EntityStory], start: datetime, mark: str) -> Iterator[WorkflowStory]:
    for index, entity in enumerate(entities):
        dice = Dice(seed, _WORKFLOW_STREAM + index)
        tell = _chosen(WORKFLOW_STORIES, index, dice)
        story = WorkflowStory(
            OPERATIONS[entity.path.fsm_type],
            named("wf", mark, index + 1),
            entity.entity_id,
            dice,
            seed=seed,
            start=start,
            clock=entity.planted[0].published,
        )
        story.name = tell.__name__
        tell(story)
        yield story


def _chosen(
    stories: Sequence[tuple[Callable[[_Story], None], int]], index: int, dice: Dice
) -> Callable[[_Story], None]:
    """Return a story: in turn until each has met the machines, then by weight."""
    if index < _ROUNDS * len(stories):
        return stories[index % len(stories)][0]
    return dice.pick([story for story, weight in stories for _ in range(weight)])


def _verdicts(records: Iterable[Planted]) -> dict[str, object]:
    told = list(records)
    verdicts = Counter(planted.verdict for planted in told)
    reasons = Counter(planted.reason for planted in told if planted.reason is not None)
    return {
        "records": len(told),
        "applied": verdicts["applied"],
        "duplicate": verdicts["duplicate"],
        "rejected": dict(sorted(reasons.items())),
    }
