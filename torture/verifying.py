"""The product's own answer beside the oracle's: `foldline verify` finds nothing, and then exactly what is forged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from torture.installation import Installation
from torture.proxy import Proxy
from torture.schedule import Conditions
from torture.stories import NEWER
from torture.workers import COMMAND, Worker, crew

_VERIFIER = 10
_SECONDS = 120
_CLEAN, _DRIFTED = 0, 1


@dataclass(frozen=True, slots=True)
class Forgery:
    """What is done to one row, by a statement that returns its number, and what has to be said of it."""

    sql: str
    table: str
    what: str


FORGERIES: Sequence[Forgery] = (
    Forgery(
        "UPDATE fsm_state_history SET to_state = 'FORGED' WHERE id = (SELECT max(id) FROM fsm_state_history WHERE"
        " success AND action <> 'MANUAL') RETURNING id",
        "fsm_state_history",
        "changed",
    ),
    Forgery(
        "DELETE FROM fsm_state_history WHERE id = (SELECT min(id) FROM fsm_state_history WHERE reason IS NOT NULL)"
        " RETURNING id",
        "fsm_state_history",
        "missing",
    ),
    Forgery(
        "UPDATE foldline_dead_letters SET reason = 'forged' WHERE id = (SELECT max(id) FROM foldline_dead_letters)"
        " RETURNING id",
        "foldline_dead_letters",
        "changed",
    ),
    Forgery(
        "UPDATE workflow_execution_history SET step = 'forged' WHERE id = (SELECT max(id) FROM"
        " workflow_execution_history) RETURNING id",
        "workflow_execution_history",
        "changed",
    ),
    Forgery(
        "DELETE FROM workflow_execution_history WHERE id = (SELECT min(id) FROM workflow_execution_history)"
        " RETURNING id",
        "workflow_execution_history",
        "missing",
    ),
)


def verified(place: Installation, under: Conditions, directory: Path, *, by_hand: int) -> Iterator[str]:
    """Everything that verify has to say of tables that the oracle has nothing to say of."""
    code, found = _verify(place, under, directory)
    if code != _CLEAN or not (found["clean"] and found["whole"]):
        yield f"verify ends with {code}: {found['tallies'] or found}"
        yield from (f"verify: {difference}" for difference in found["differences"])
    if found["manual_changes"] != by_hand:
        yield f"verify knows of {found['manual_changes']} changes by hand, {by_hand} were made"


def seen(place: Installation, under: Conditions, directory: Path, number: int) -> Iterator[str]:
    """Forge one row, and say what verify makes of it if that is not just this row."""
    forgery = FORGERIES[number % len(FORGERIES)]
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        forged = connection.execute(forgery.sql.encode()).fetchone()
    if forged is None:
        return
    code, found = _verify(place, under, directory)
    named = [(each["table"], each["what"], each["id"]) for each in found["differences"]]
    wanted = (forgery.table, forgery.what, None if forgery.what == "missing" else forged[0])
    if code != _DRIFTED or named != [wanted]:
        yield f"verify ends with {code} and names {named or found['tallies']}, not {wanted}"


def _verify(place: Installation, under: Conditions, directory: Path) -> tuple[int | None, dict[str, Any]]:
    verifier = Worker(_VERIFIER, Proxy(0), place.settings(under, _VERIFIER), directory, COMMAND, machines=NEWER)
    with crew([verifier]):
        verifier.start("verify", "--json")
        code = verifier.wait(_SECONDS)
    said = verifier.log
    try:
        return code, json.JSONDecoder().raw_decode(said, said.index("{\n"))[0]
    except ValueError:
        unsaid: dict[str, Any] = {"clean": False, "whole": False, "differences": (), "manual_changes": 0}
        return code, unsaid | {"tallies": said[-500:]}
