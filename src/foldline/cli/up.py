"""`foldline up`: embedded servers, their schema and topics, and a worker on them; nothing to install or configure."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from foldline.app import Place, projection
from foldline.cli.once import Given, project_once
from foldline.cli.output import AsJson, line_out, note
from foldline.cli.signals import draining, interruptible
from foldline.embedded import RunningServers, Servers, default_home, embedded_servers
from foldline.errors import UsageError
from foldline.kafka.topics import create_topics
from foldline.postgres.migrations import Runner
from foldline.settings import Settings, load_settings
from foldline.watch import log_listener

_EVENTS = typer.Option("--once", metavar="FILE", exists=True, dir_okay=False, help="Publish FILE, project, and stop.")
_RAW = typer.Option(
    "--once-raw", metavar="FILE", exists=True, dir_okay=False, help="The same, lines that are no events too."
)


def up(
    more: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="More files for --once."),
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
    settings = load_settings()
    _refuse_other_servers(settings)
    with (
        interruptible(),
        embedded_servers(settings.home or default_home(), fresh=fresh, announce=note) as running,
    ):
        place = Place(settings, running.servers)
        _prepare(place)
        if given:
            project_once(place, running, given, began=began, as_json=as_json)
            if not as_json:
                _tell_next(running)
        else:
            _tell_ready(running.servers, time.monotonic() - began)
            _serve(place, running)


def _refuse_other_servers(settings: Settings) -> None:
    for name, setting in (
        ("DATABASE_URL", settings.database_url),
        ("KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers),
    ):
        if setting is not None:
            raise UsageError(
                f"{name} is set, and `foldline up` only uses servers of its own.",
                remedy="For those that are set: `foldline migrate`, then `foldline run`. Else unset it.",
            )


def _prepare(place: Place) -> None:
    settings = place.settings
    Runner(place.database_url).apply()
    create_topics(
        place.kafka_properties,
        incoming=settings.topics,
        outgoing=(settings.intent_topic, settings.deadletter_topic),
    )


def _serve(place: Place, running: RunningServers) -> None:
    with draining() as asked, projection(place, log_listener(sys.stderr)) as ours:

        def stopping() -> bool:
            running.check()
            return asked()

        ours.worker.run(stopping)


def _tell_ready(servers: Servers, seconds: float) -> None:
    line_out(f"PostgreSQL  {_without_password(servers)}")
    line_out(f"            its password is in {_password_file(servers)}")
    line_out(f"Kafka       {servers.bootstrap_servers}")
    line_out(f"Ready after {seconds:.1f} s. Other foldline commands find these servers. Ctrl-C stops them.")


def _tell_next(running: RunningServers) -> None:
    servers = running.servers
    foldline = "foldline" if shutil.which("foldline") else shlex.quote(os.path.relpath(sys.argv[0]))
    psql = shutil.which("psql") or running.postgres.programs / "psql"
    password = shlex.quote(str(_password_file(servers)))
    line_out()
    line_out("What came of it is kept. To look at it, type in one terminal")
    line_out(f"  {foldline} up")
    line_out("and in another")
    line_out(f"  {foldline} status")
    line_out(f"  {foldline} history INGESTION doc-0007")
    line_out(f"  {foldline} deadletters list")
    line_out(f'  PGPASSWORD="$(cat {password})" {shlex.quote(str(psql))} {_without_password(servers)}')


def _password_file(servers: Servers) -> Path:
    return servers.home / "postgres.password"


def _without_password(servers: Servers) -> str:
    parts = urlsplit(servers.database_url)
    return f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
