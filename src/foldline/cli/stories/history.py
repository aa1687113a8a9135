"""`foldline history`: everything that happened to one entity, or what it was at some moment."""

from __future__ import annotations

from typing import Annotated

import typer

from foldline.app import machines_of
from foldline.cli.completion import fsm_types
from foldline.cli.here import here
from foldline.cli.output import AsJson, instant, json_out, note, plain
from foldline.cli.shapes import prints
from foldline.cli.stories.entity import HistoryRow, history_json, show_history
from foldline.cli.stories.then import EntityThen, moment_of, show_then, then_json, then_of
from foldline.core.machine import Machine
from foldline.core.moment import Moment
from foldline.errors import AbsentError, MachineError, UsageError
from foldline.postgres.reports import EntityStory, Reports
from foldline.settings import Settings


@prints(list[HistoryRow], EntityThen)
def history(
    fsm_type: Annotated[
        str, typer.Argument(metavar="FSM_TYPE", help="The machine, as INGESTION.", autocompletion=fsm_types)
    ],
    entity_id: Annotated[str, typer.Argument(metavar="ENTITY_ID")],
    *,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|OFFSET",
            help="What it was then: by event time, or once the record at that offset (or TOPIC:OFFSET) was judged.",
        ),
    ] = None,
    partition: Annotated[
        int | None, typer.Option(min=0, help="The partition of the offset, if its records lie on several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what happened to one entity, in the log's order, and how long it has been where it is, or was then."""
    if at is None and partition is not None:
        raise UsageError("--partition says where the offset of --at lies.", remedy="Leave it out, or add --at.")
    place = here(database=True)
    reports = Reports(place.database_url)
    story = reports.entity(fsm_type, entity_id)
    if story is None:
        letters = reports.dead_letters(status=None, reason=None, entity_id=entity_id, limit=None)
        if any(letter.fsm_type == fsm_type for letter in letters):
            raise AbsentError(
                f"{fsm_type} {entity_id} has no history, but dead letters.",
                remedy="`foldline deadletters list --entity` with its id lists them.",
            )
        raise AbsentError(
            f"Nothing is known of {fsm_type} {entity_id}.",
            remedy="Check the spelling; `foldline status` says which machines have entities, and what still waits.",
        )
    machine = machine_of(place.settings, fsm_type)
    if at is not None:
        _tell(story, moment_of(at, partition, story, reports.positions()), machine, as_json=as_json)
    elif as_json:
        json_out(history_json(story, machine))
    else:
        show_history(story, machine)


def _tell(story: EntityStory, moment: Moment, machine: Machine | None, *, as_json: bool) -> None:
    found = then_of(story, moment)
    if as_json:
        json_out(then_json(story, moment, found, machine))
    else:
        show_then(story, moment, found, machine)
    if not found.known:
        gone = f"clean-ups have removed history from before {instant(story.cleaned_before)}"
        raise AbsentError(
            f"What {story.fsm_type} {story.entity_id} was then cannot be known: {gone}.",
            remedy="Ask for a later moment.",
        )


def machine_of(settings: Settings, fsm_type: str) -> Machine | None:
    """The machine whose timeouts count. What is wrong with a definition keeps nobody from reading history."""
    try:
        return machines_of(settings).get(fsm_type)
    except MachineError as error:
        note(plain(f"timeouts are not known: {error}"))
        return None
