"""`foldline deadletters drop`: dead letters that nobody is going to mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.mend.selecting import Entity, Everything, Ids, Since, WithReason, all_of_those_named, selected
from foldline.cli.output import AsJson, counted, json_out, line_out
from foldline.cli.reasons import sound_why
from foldline.cli.shapes import prints
from foldline.cli.who import who
from foldline.postgres.letters import Letters


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was dropped.

    Attributes:
        dropped: how many dead letters.
    """

    dropped: int


@prints(Dropped)
def drop(
    *,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept with the dead letter.")],
    ids: Ids = None,
    entity: Entity = None,
    reason: WithReason = None,
    since: Since = None,
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """Close dead letters that nobody is going to mend: they stay where they are, with who dropped them and why.

    Those that are open are taken, and those named by --id also if they were redriven and are not judged yet. Exits 0
    also if there is none, and 1 if one that was named by --id was not taken.
    """
    why = sound_why(why)
    asked = selected(ids, entity, reason, since, everything=everything)
    letters = Letters(here(database=True).database_url)
    letters.require_rights()
    dropped, named = 0, set[int]()
    for numbers in letters.drop(letters.fixed(asked)[0], why=why, who=who()):
        dropped += len(numbers)
        named |= set(asked.ids or ()).intersection(numbers)
    if as_json:
        json_out(Dropped(dropped))
    else:
        line_out(f"Dropped: {counted(dropped, 'dead letter')}." if dropped else "No dead letter to drop.")
    all_of_those_named(letters, asked, named, "dropped")
