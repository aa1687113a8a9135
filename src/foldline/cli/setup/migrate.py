"""`foldline migrate`: bring the database to the schema of this release, look at it, or undo migrations."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.prompt import Confirm

from foldline.cli.here import here
from foldline.cli.output import AsJson, counted, instant, json_out, line_out, table_out
from foldline.cli.shapes import prints
from foldline.errors import MigrationError, UsageError
from foldline.postgres.migrations import SEED_VERSION, MigrationStatus, Runner

_SEED_MIGRATIONS = 3


@dataclass(frozen=True, slots=True)
class Applied:
    """What `foldline migrate` applied.

    Attributes:
        applied: the names of the migrations, in their order; none if the schema was up to date.
    """

    applied: list[str]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What `foldline migrate --rollback` undid.

    Attributes:
        rolled_back: the names of the migrations, the latest first.
    """

    rolled_back: list[str]


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What `foldline migrate --status` found.

    Attributes:
        schema_version: as v1.0.0+009; null before the first three migrations are there.
        migrations: every migration of this release.
    """

    schema_version: str | None
    migrations: list[MigrationStatus]


@prints(Applied, RolledBack, SchemaStatus)
def migrate(
    *,
    status: Annotated[bool, typer.Option("--status", help="Say what is applied; change nothing.")] = False,
    rollback: Annotated[
        int | None, typer.Option(metavar="NNN", min=1, help="Undo migration NNN and every later one, with their data.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Roll back without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply the migrations that the database lacks."""
    if status and rollback is not None:
        raise UsageError("--status and --rollback exclude each other.", remedy="Use one of them.")
    if yes and rollback is None:
        raise UsageError("--yes answers --rollback, and there is none.", remedy="Leave it out.")
    if rollback is not None and not yes and not sys.stdin.isatty():
        raise UsageError("A rollback deletes data, and nobody is here to ask.", remedy="Say --yes to go ahead.")
    runner = Runner(here(database=True).database_url)
    if status:
        _show(runner.status(), as_json=as_json)
    elif rollback is not None:
        if not yes:
            _ask(runner, rollback)
        _tell("rolled back", runner.roll_back(rollback), as_json=as_json)
    else:
        _tell("applied", runner.apply(), as_json=as_json)


def _ask(runner: Runner, number: int) -> None:
    losing = [status for status in runner.status() if status.number >= number and status.applied_at is not None]
    if not losing:
        return
    names = ", ".join(status.name for status in losing)
    console = Console(stderr=True, highlight=False, markup=False)
    console.print(f"This undoes {names}, deletes what their tables hold, and forgets every position.")
    if not Confirm.ask("Go ahead?", console=console, default=False):
        raise MigrationError("Nothing was rolled back.", remedy="Answer y, or say --yes.")


def _show(statuses: Sequence[MigrationStatus], *, as_json: bool) -> None:
    version = _schema_version(statuses)
    if as_json:
        json_out(SchemaStatus(version, list(statuses)))
        return
    table_out(
        ["migration", "applied", ""],
        [[each.name, instant(each.applied_at), "edited since" if each.edited else ""] for each in statuses],
    )
    line_out(f"Schema version: {version or 'none'}")


def _schema_version(statuses: Sequence[MigrationStatus]) -> str | None:
    """The seed's version, and the last migration beyond it; None before the seed's own are all there."""
    applied = {status.number for status in statuses if status.applied_at is not None}
    if not applied.issuperset(range(1, _SEED_MIGRATIONS + 1)):
        return None
    last = max(applied)
    return SEED_VERSION if last == _SEED_MIGRATIONS else f"{SEED_VERSION}+{last:03}"


def _tell(verb: str, statuses: Sequence[MigrationStatus], *, as_json: bool) -> None:
    if as_json:
        names = [status.name for status in statuses]
        json_out(Applied(names) if verb == "applied" else RolledBack(names))
        return
    for status in statuses:
        line_out(f"{verb}: {status.name}")
    if not statuses:
        line_out("Nothing to apply: the schema is that of this release." if verb == "applied" else "Nothing to undo.")
    else:
        line_out(f"{counted(len(statuses), 'migration')} {verb}.")
