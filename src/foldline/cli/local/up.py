"""`foldline up`: embedded servers, their schema and topics, and a worker on them; nothing to install or configure."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from foldline.app import Place, projection
from foldline.cli.local.once import Given, ProjectedOnce, project_once
from foldline.cli.local.own_servers import (
    foldline_command,
    own_servers,
    password_file,
    psql_command,
    while_running,
    without_password,
)
from foldline.cli.output import AsJson, line_out, plain
from foldline.cli.shapes import prints
from foldline.cli.signals import draining, interruptible
from foldline.embedded import RunningServers, Servers
from foldline.errors import UsageError
from foldline.postgres.entries import EntityStory
from foldline.settings import load_settings
from foldline.watch import log_listener

_EVENTS = typer.Option("--once", metavar="FILE", exists=True, dir_okay=False, help="Publish FILE, project, and stop.")
_RAW = typer.Option(
    "--once-raw", metavar="FILE", exists=True, dir_okay=False, help="The same, lines that are no events too."
)


@prints(ProjectedOnce)
def up(
    more: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="More files for --once."),
    ] = None,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete what the embedded servers kept so far.")] = False,
    once: Annotated[list[Path] | None, _EVENTS] = None,
    once_raw: Annotated[list[Path] | None, _RAW] = None,
    as_json: AsJson = False,
) -> None:
    """Start PostgreSQL and Kafka on this machine and project until Ctrl-C; their data is kept for the next time."""
    began = time.monotonic()
    given = Given([*(once or []), *(more or [])], once_raw or [])
    if more and not once:
        raise UsageError(f"What is {more[0]} for?", remedy="Say `foldline up --once FILE...` to project files.")
    if as_json and not given:
        raise UsageError("--json tells what --once came to.", remedy="Leave it out, or name files with --once.")
    with interruptible(), own_servers(load_settings(), fresh=fresh, command="up") as (place, running):
        if given:
            shown = project_once(place, running, given, began=began, as_json=as_json)
            if not as_json:
                _tell_next(place, running, shown)
        else:
            _tell_ready(running.servers, time.monotonic() - began)
            _serve(place, running)


def _serve(place: Place, running: RunningServers) -> None:
    with draining() as asked, projection(place, log_listener(sys.stderr)) as ours:
        ours.worker.run(while_running(running, asked))


def _tell_ready(servers: Servers, seconds: float) -> None:
    line_out(f"PostgreSQL  {without_password(servers)}")
    line_out(f"            its password is in {password_file(servers)}")
    line_out(f"Kafka       {servers.bootstrap_servers}")
    line_out(f"Ready after {seconds:.1f} s. Other foldline commands find these servers. Ctrl-C stops them.")


def _tell_next(place: Place, running: RunningServers, shown: EntityStory | None) -> None:
    foldline = foldline_command(place.settings)
    line_out()
    line_out("What came of it is kept. To look at it, type in one terminal")
    line_out(f"  {foldline} up")
    line_out("and in another")
    line_out(f"  {foldline} status")
    if shown is not None:
        line_out(f"  {foldline} history {shlex.quote(plain(shown.fsm_type))} {shlex.quote(plain(shown.entity_id))}")
    line_out(f"  {foldline} deadletters list")
    line_out(f"  {psql_command(running)}")
