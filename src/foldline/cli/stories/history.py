"""`foldline history`: everything that happened to one entity."""

from __future__ import annotations

from typing import Annotated

import typer

from foldline.app import machines_of
from foldline.cli.completion import fsm_types
from foldline.cli.here import here
from foldline.cli.output import AsJson, json_out, note, plain
from foldline.cli.shapes import prints
from foldline.cli.stories.entity import HistoryRow, history_json, show_history
from foldline.core.machine import Machine
from foldline.errors import AbsentError, MachineError
from foldline.postgres.reports import Reports
from foldline.settings import Settings


@prints(list[HistoryRow])
def history(
    fsm_type: Annotated[
        str, typer.Argument(metavar="FSM_TYPE", help="The machine, as INGESTION.", autocompletion=fsm_types)
    ],
    entity_id: Annotated[str, typer.Argument(metavar="ENTITY_ID")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print what happened to one entity, in the log's order, and how long it has been where it is."""
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
    if as_json:
        json_out(history_json(story, machine))
    else:
        show_history(story, machine)


def machine_of(settings: Settings, fsm_type: str) -> Machine | None:
    """The machine whose timeouts count. What is wrong with a definition keeps nobody from reading history."""
    try:
        return machines_of(settings).get(fsm_type)
    except MachineError as error:
        note(plain(f"timeouts are not known: {error}"))
        return None
