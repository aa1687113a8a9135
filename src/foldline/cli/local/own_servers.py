"""The embedded servers as `up` and `demo` use them: never others, migrated, with topics; and the way to them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from foldline.app import Place
from foldline.cli.output import note
from foldline.embedded import RunningServers, Servers, default_home, embedded_servers
from foldline.errors import UsageError
from foldline.kafka.topics import create_topics
from foldline.postgres.migrations import Runner
from foldline.settings import ENVIRONMENT, Settings


@contextmanager
def own_servers(settings: Settings, *, fresh: bool, command: str) -> Iterator[tuple[Place, RunningServers]]:
    """Start them, bring schema and topics to what is needed, and stop them at the end. From the main thread only.

    Raises:
        UsageError: the settings name other servers.
        EmbeddedError: a server cannot be had or does not start.
    """
    _refuse_other_servers(settings, command)
    with embedded_servers(settings.home or default_home(), fresh=fresh, announce=note) as running:
        place = Place(settings, running.servers)
        Runner(place.database_url).apply()
        create_topics(
            place.kafka_properties,
            incoming=settings.topics,
            outgoing=(settings.intent_topic, settings.deadletter_topic),
        )
        yield place, running


def _refuse_other_servers(settings: Settings, command: str) -> None:
    for name, setting in (
        ("DATABASE_URL", settings.database_url),
        ("KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers),
    ):
        if setting is not None:
            raise UsageError(
                f"{name} is set, and `foldline {command}` only uses servers of its own.",
                remedy="For those that are set: `foldline migrate`, then `foldline run`. Else unset it.",
            )


def while_running(running: RunningServers, asked: Callable[[], bool]) -> Callable[[], bool]:
    """Whether a worker on these servers is asked to stop; raises EmbeddedError when one of them ended by itself."""

    def stopping() -> bool:
        running.check()
        return asked()

    return stopping


def foldline_command(settings: Settings) -> str:
    """How this foldline is called from the current directory, so that it finds these servers."""
    program = "foldline" if shutil.which("foldline") else shlex.quote(os.path.relpath(sys.argv[0]))
    if settings.home is None or (origin := settings.origin("FOLDLINE_HOME")) is None or origin.source != ENVIRONMENT:
        return program
    return f"FOLDLINE_HOME={shlex.quote(str(settings.home))} {program}"


def psql_command(running: RunningServers) -> str:
    """A line of shell that opens psql on the database; it reads the password from its file."""
    psql = shutil.which("psql") or running.postgres.programs / "psql"
    password = shlex.quote(str(password_file(running.servers)))
    return f'PGPASSWORD="$(cat {password})" {shlex.quote(str(psql))} {without_password(running.servers)}'


def password_file(servers: Servers) -> Path:
    """Where the database's password is, readable by its owner only."""
    return servers.home / "postgres.password"


def without_password(servers: Servers) -> str:
    """The database's URL as it may be shown."""
    parts = urlsplit(servers.database_url)
    return f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
