"""Connections: with bounded waits, UTC, and a name that operators recognise."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from foldline.errors import DatabaseError
from foldline.postgres.remedies import refusal_in_words
from foldline.settings import HIDDEN

WORKER_LOCK = 70094210
"""Advisory lock: a worker holds its shared side for life, so that a rollback knows."""

_KEEPALIVE = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_SESSION = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "15s",
}

_OPEN = {
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "port",
    "service",
    "sslcert",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
}
"""The parameters whose values may be shown: no password, no key, and nothing that a later libpq may add."""

_REVEALING = re.compile(r"[@=]|://")
_PORTS = re.compile(r"(\d{1,5}(,\d{1,5})*)?")

Connection = psycopg.Connection[tuple[object, ...]]


def connect(
    database_url: str,
    *,
    purpose: str,
    autocommit: bool = True,
    lock_timeout: float = 10.0,
    statement_timeout: float = 60.0,
) -> psycopg.Connection:
    """A connection for one purpose (it shows in `application_name`), whose statements take and wait so many seconds.

    Raises:
        psycopg.OperationalError: PostgreSQL cannot be reached or refuses us.
        DatabaseError: as `parameters`.
    """
    given = parameters(database_url)
    conninfo = make_conninfo("", **{**_KEEPALIVE, **given, "application_name": f"foldline {purpose}"})
    try:
        connection = psycopg.connect(conninfo, autocommit=True)
    except psycopg.ProgrammingError:
        raise DatabaseError(
            "DATABASE_URL gives a parameter a value that it cannot have.",
            remedy="`foldline config` shows its parameters; numbers are digits.",
        ) from None
    connection.prepare_threshold = 1
    timeouts = {"lock_timeout": f"{lock_timeout:.3f}s", "statement_timeout": f"{statement_timeout:.3f}s"}
    session = _SESSION | timeouts
    connection.execute(
        "SELECT set_config(name, setting, false) FROM unnest(%s::text[], %s::text[]) AS session (name, setting)",
        ([*session], [*session.values()]),
    )
    connection.autocommit = autocommit
    return connection


def parameters(database_url: str) -> dict[str, str]:
    """What a connection string says, by libpq's names, the password too.

    Raises:
        DatabaseError: it is no connection string, or a password in it is not escaped and so passes for something else.
    """
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(database_url).items() if value is not None}
    except psycopg.ProgrammingError:
        raise DatabaseError(
            "DATABASE_URL is no PostgreSQL connection string.",
            remedy="Write it as postgresql://user:password@host:5432/database",
        ) from None
    places = (given.get("host", ""), given.get("port", ""), given.get("dbname", ""))
    if "://" in database_url and any("@" in place for place in places):
        raise DatabaseError(
            "DATABASE_URL has an unescaped @, / or : in its password.",
            remedy="Write them as %40, %2F and %3A.",
        )
    if not _PORTS.fullmatch(given.get("port", "")):
        raise DatabaseError(
            "DATABASE_URL has no number where the port should be.",
            remedy="Write it as postgresql://user:password@host:5432/database",
        )
    return given


def shown(database_url: str) -> str:
    """The connection string in libpq's `name=value` form with every value hidden that may be secret.

    Raises:
        DatabaseError: as `parameters`.
    """
    return make_conninfo("", **{name: _shown(name, value) for name, value in parameters(database_url).items()})


def describe(database_url: str) -> str:
    """Where a URL leads, without the password: for messages."""
    try:
        parts = parameters(database_url)
    except DatabaseError:
        return "an unreadable DATABASE_URL"
    parts = {name: _shown(name, value) for name, value in parts.items()}
    return f"{parts.get('dbname', '?')} on {parts.get('host', 'the local socket')}:{parts.get('port', 5432)}"


def unreachable(database_url: str, error: psycopg.OperationalError) -> DatabaseError:
    """What to say when PostgreSQL cannot be reached, or does not let us in."""
    said = str(error).strip().splitlines()
    last = next((line for line in reversed(said) if "failed: " in line), said[0])
    reason = last.rpartition("failed: ")[2].rstrip(".")
    where = describe(database_url)
    if (words := refusal_in_words(reason)) is not None:
        said_by_it = reason.removeprefix("FATAL:").strip()
        return DatabaseError(
            f"PostgreSQL does not let us in at {where}: {words} ({said_by_it}).", remedy="Then try again."
        )
    if reason.startswith("FATAL:"):
        refusal = reason.removeprefix("FATAL:").strip()
        return DatabaseError(f"PostgreSQL refuses us at {where}: {refusal}.", remedy="Correct DATABASE_URL.")
    return DatabaseError(
        f"PostgreSQL cannot be reached at {where}: {reason}.", remedy="Start it, or correct DATABASE_URL."
    )


def _shown(name: str, value: str) -> str:
    return value if name in _OPEN and not _REVEALING.search(value) else HIDDEN
