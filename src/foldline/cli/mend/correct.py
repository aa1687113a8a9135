"""`foldline correct`: an operator's correction of an entity's state, in the log like everything else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

import typer
from pydantic import ValidationError

from foldline.app import Place, machines_of
from foldline.cli.completion import fsm_types
from foldline.cli.here import here
from foldline.cli.output import AsJson, json_out, line_out, plain
from foldline.cli.reasons import sound_text, sound_why
from foldline.cli.shapes import prints
from foldline.cli.stories.as_it_came import position_of
from foldline.cli.who import who
from foldline.core.batch import Partition
from foldline.core.machine import CORRECT, Machine, Machines
from foldline.errors import AbsentError, SettingError, UnfinishedError, UsageError
from foldline.events import TransitionEvent
from foldline.kafka import publisher
from foldline.machines.faults import choose
from foldline.postgres.corrections import Corrections, Outcome

_LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction and what became of it.

    Attributes:
        fsm_type: the machine.
        entity_id: the entity.
        correlation_id: the event's correlation id.
        event_id: the event's id.
        topic: the topic that it was published to.
        partition: its partition.
        offset: its offset.
        verdict: applied or rejected; null while nobody has projected it.
        from_state: the state that it met, of an unknown entity the initial one; null while nobody has projected it.
        to_state: the state that was asked for.
        reason: why it was rejected; null if it was not.
        detail: the reason explained.
    """

    fsm_type: str
    entity_id: str
    correlation_id: str
    event_id: str
    topic: str
    partition: int
    offset: int
    verdict: str | None
    from_state: str | None
    to_state: str
    reason: str | None
    detail: str | None


@prints(Correction)
def correct(  # noqa: PLR0913 - what an event says: each an option of its own
    fsm_type: Annotated[
        str, typer.Argument(metavar="FSM_TYPE", help="The machine, as INGESTION.", autocompletion=fsm_types)
    ],
    entity_id: Annotated[str, typer.Argument(metavar="ENTITY_ID")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="STATE", help="The state that it should be in.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept in its history.")],
    expected: Annotated[
        str | None, typer.Option("--from", metavar="STATE", help="Only if it is in this state when it is judged.")
    ] = None,
    correlation_id: Annotated[
        str | None, typer.Option(metavar="ID", help="What it belongs to.  [default: an id of its own]")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Also if nothing is known of the entity yet.")] = False,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for its verdict.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Move an entity to any state of its machine: publish a CORRECT event and wait until it is projected.

    It goes where the entity's events lie, and comes after them. It may be rejected like every event: if the entity is
    not in the --from state by then, or its machine refuses corrections. Exits 0 if it is applied, and 1 if it is
    rejected, or not projected in time: then it still will be.
    """
    place = here(database=True, kafka=True)
    machine = _machine(machines_of(place.settings), fsm_type)
    for name in (to, *([] if expected is None else [expected])):
        if name not in machine.states:
            raise UsageError(f"{fsm_type} has no state {name}.", remedy=choose(name, machine.states))
    event = _event(fsm_type, entity_id, to, expected, sound_why(why), correlation_id)
    asked = Corrections(place.database_url)
    if not new and not asked.known((fsm_type, entity_id)):
        raise AbsentError(
            f"Nothing is known of {fsm_type} {plain(entity_id)}.",
            remedy="Is its id right? With --new a correction is the first that is known of it.",
        )
    partition, offset = _publish(place, event, asked.source_of((fsm_type, entity_id)))

    def look() -> Outcome | None:
        return asked.outcome((fsm_type, entity_id), event.event_id or "", partition, offset)

    outcome = _awaited(look, offset, wait)
    correction = _correction(event, partition, offset, outcome)
    if as_json:
        json_out(correction)
    _require_applied(correction, outcome, wait)
    if not as_json:
        came = f" from {correction.from_state}" if correction.from_state is not None else ""
        where = position_of(correction.topic, correction.partition, correction.offset)
        line_out(f"Corrected: {plain(fsm_type)} {plain(entity_id)}{came} to {to}, by {where}.")


def _machine(machines: Machines, fsm_type: str) -> Machine:
    machine = machines.get(fsm_type)
    if machine is None:
        raise UsageError(f"No machine {fsm_type} is loaded.", remedy=choose(fsm_type, machines))
    if machine.corrections_refused:
        raise UsageError(
            f"{fsm_type} refuses corrections.", remedy="Its definition says so; publish the events that it lacks."
        )
    return machine


def _event(
    fsm_type: str, entity_id: str, to: str, expected: str | None, why: str, correlation_id: str | None
) -> TransitionEvent:
    try:
        return TransitionEvent.new(
            fsm_type,
            sound_text(entity_id),
            CORRECT,
            from_state=expected,
            to_state=to,
            error_message=why,
            correlation_id=str(uuid4()) if correlation_id is None else sound_text(correlation_id),
            metadata={"corrected_by": who()},
        )
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}.") from None


def _publish(place: Place, event: TransitionEvent, source: Partition | None) -> tuple[Partition, int]:
    """Append it where the entity's events lie, else where a publisher's key would have it; returns where that is."""
    topics = place.settings.transition_topics
    if source is not None and source.topic not in topics:
        raise SettingError(
            f"Its events lie on {source}, and FOLDLINE_TRANSITION_TOPICS does not name that topic.",
            remedy="Run this with the settings of the workers.",
        )
    told: list[publisher.Place] = []
    topic, number = (topics[0], None) if source is None else (source.topic, source.number)
    with publisher.Publisher(place.kafka_properties) as producer:
        producer.publish(
            [publisher.Routed(topic, event.key, event.value, partition=number)], lambda _record, at: told.append(at)
        )
    (at,) = told
    return at.partition, at.offset


def _awaited(look: Callable[[], Outcome | None], offset: int, wait: float) -> Outcome | None:
    """The outcome as soon as the position has passed the event; what there is by then, if that is not in time."""
    until = time.monotonic() + wait
    while True:
        outcome = look()
        left = until - time.monotonic()
        passed = outcome is not None and (outcome.next_offset > offset or outcome.stopped_reason is not None)
        if passed or left <= 0:
            return outcome
        time.sleep(min(left, _LOOK_EVERY_SECONDS))


def _correction(event: TransitionEvent, partition: Partition, offset: int, outcome: Outcome | None) -> Correction:
    verdict = None
    if outcome is not None and (outcome.success is not None or outcome.reason is not None):
        verdict = "applied" if outcome.success else "rejected"
    return Correction(
        event.fsm_type,
        event.entity_id,
        event.correlation_id,
        event.event_id or "",
        partition.topic,
        partition.number,
        offset,
        verdict,
        outcome.from_state if outcome is not None else None,
        event.to_state or "",
        outcome.reason if outcome is not None else None,
        outcome.detail if outcome is not None else None,
    )


def _require_applied(correction: Correction, outcome: Outcome | None, wait: float) -> None:
    if correction.verdict == "applied":
        return
    if correction.verdict == "rejected":
        raise UnfinishedError(
            f"The correction was rejected: {correction.reason}: {correction.detail}.",
            remedy="Nothing of the entity has changed; `foldline history` shows where it stands.",
        )
    where = position_of(correction.topic, correction.partition, correction.offset)
    if outcome is not None and outcome.stopped_reason is not None:
        raise UnfinishedError(
            f"The correction is in the log as {where}, but its partition has stopped: {outcome.stopped_reason}",
            remedy="It will be projected once that is mended; do not publish it again.",
        )
    raise UnfinishedError(
        f"The correction is in the log as {where}, and was not projected within {wait:g} s.",
        remedy="It will be once a worker runs and comes to it (`foldline status`); do not publish it again.",
    )
