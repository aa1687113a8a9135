"""`foldline up --once`: publish files, project them, and tell what came of it."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foldline import facts
from foldline.app import Place, projection
from foldline.cli.local.own_servers import while_running
from foldline.cli.operate.run import run_until_caught_up, unfinished
from foldline.cli.operate.status import StateCount, show_states
from foldline.cli.operate.tally import Tally, Verdicts
from foldline.cli.output import json_out, line_out, listed
from foldline.cli.stories.entity import HistoryRow, history_json, show_history
from foldline.cli.stories.history import machine_of
from foldline.cli.upstream.publish import publish_file, published
from foldline.core.machine import Machine
from foldline.embedded import RunningServers
from foldline.errors import PublishError
from foldline.kafka.publisher import Publisher
from foldline.postgres.reports import EntityStory, Reports
from foldline.watch import log_listener

_SHOWN_BY_CHOICE = ("INGESTION", "doc-0007")


@dataclass(frozen=True, slots=True)
class Given:
    """The files: those of events, and those whose lines are sent as they are."""

    events: Sequence[Path]
    raw: Sequence[Path]

    def __bool__(self) -> bool:
        return bool(self.events or self.raw)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was published.

    Attributes:
        records: how many records.
        topics: how many of them to which topic.
    """

    records: int
    topics: dict[str, int]


@dataclass(frozen=True, slots=True)
class EntityName:
    """Which entity it is.

    Attributes:
        fsm_type: its machine.
        entity_id: its id.
    """

    fsm_type: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long it took, counted from the start of the command.

    Attributes:
        first: until the first event was projected; null if none was.
        all: until everything was.
    """

    first: float | None
    all: float


@dataclass(frozen=True, slots=True)
class ProjectedOnce:
    """What `foldline up --once` came to.

    Attributes:
        published: what was sent.
        verdicts: the records of this run by verdict.
        nothing_new: whether every event was known already.
        dead_letters: how many records of this run became dead letters for which reason.
        states: all entities by machine and state.
        entity: the entity whose history follows; null if there is none.
        history: what happened to that entity.
        seconds: how long it took.
    """

    published: Sent
    verdicts: Verdicts
    nothing_new: bool
    dead_letters: dict[str, int]
    states: list[StateCount]
    entity: EntityName | None
    history: list[HistoryRow]
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is told of one run. Seconds count from the start of the command."""

    sent: Counter[str]
    tally: Tally
    states: list[tuple[str, str, int]]
    story: EntityStory | None
    machine: Machine | None
    first_seconds: float | None
    all_seconds: float


def project_once(
    place: Place, running: RunningServers, given: Given, *, began: float, as_json: bool
) -> EntityStory | None:
    """Publish, project until everything is caught up, and print the outcome; returns the entity that it shows.

    Raises:
        FoldlineError: a file holds what cannot be published, a partition stopped, or a server ended.
    """
    sent = _publish(place, given)
    tally = Tally()
    with projection(place, facts.heard_by(tally.hear, log_listener(sys.stderr, least=logging.WARNING))) as ours:
        caught_up = run_until_caught_up(ours, while_running(running, lambda: False))
        fault = unfinished(place, ours, caught_up=caught_up)
    if fault is not None:
        raise fault
    all_seconds = time.monotonic() - began
    reports = Reports(place.database_url)
    story = _an_entity(reports)
    machine = None if story is None else machine_of(place.settings, story.fsm_type)
    first = None if tally.first_at is None else tally.first_at - began
    outcome = _Outcome(sent, tally, reports.states(), story, machine, first, all_seconds)
    (_tell_json if as_json else _tell)(outcome)
    return story


def _publish(place: Place, given: Given) -> Counter[str]:
    sent: Counter[str] = Counter()
    with Publisher(place.kafka_properties) as publisher:
        for file, raw in [*((each, False) for each in given.events), *((each, True) for each in given.raw)]:
            try:
                sent += publish_file(publisher, file, place.settings, raw=raw)
            except PublishError as error:
                remedy = error.remedy.replace("--raw", "--once-raw")
                raise PublishError(f"{file}: {error.problem}", remedy=remedy) from error
    return sent


def _an_entity(reports: Reports) -> EntityStory | None:
    """The entity that the example is about, else the one to which most has happened."""
    if story := reports.entity(*_SHOWN_BY_CHOICE):
        return story
    busiest = reports.busiest_entity()
    return None if busiest is None else reports.entity(*busiest)


def _tell(outcome: _Outcome) -> None:
    tally = outcome.tally
    line_out(published(outcome.sent))
    line_out(f"Projected {tally.line}.")
    if tally.nothing_new:
        line_out("Every event was known already: all of them are duplicates, and nothing changed.")
    line_out(f"Dead letters of this run: {listed(tally.reasons.most_common())}")
    line_out()
    show_states(outcome.states)
    if outcome.story is not None:
        line_out()
        show_history(outcome.story, outcome.machine)
    line_out()
    if outcome.first_seconds is not None:
        line_out(f"First event projected after {outcome.first_seconds:.1f} s.")
    line_out(f"Everything projected after {outcome.all_seconds:.1f} s, the start of both servers included.")


def _tell_json(outcome: _Outcome) -> None:
    tally, story = outcome.tally, outcome.story
    json_out(
        ProjectedOnce(
            Sent(outcome.sent.total(), outcome.sent),
            Verdicts(**tally.verdicts),
            tally.nothing_new,
            tally.reasons,
            [StateCount(*each) for each in outcome.states],
            None if story is None else EntityName(story.fsm_type, story.entity_id),
            [] if story is None else history_json(story, outcome.machine),
            Seconds(outcome.first_seconds, outcome.all_seconds),
        )
    )
