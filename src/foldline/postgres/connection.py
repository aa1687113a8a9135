"""Connections: with bounded waits, UTC, and a name that operators recognise."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from foldline.errors import DatabaseError

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
    "default_transaction_isolation": "read committed",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "15s",
}

Connection = psycopg.Connection[tuple[object, ...]]


def connect(
    database_url: str, *, purpose: str, autocommit: bool = True, lock_timeout: str = "10s"
) -> psycopg.Connection:
    """A connection for one purpose (it shows in `application_name`), whose statements wait so long for a lock.

    Raises:
        psycopg.OperationalError: PostgreSQL cannot be reached or refuses us.
        DatabaseError: the URL itself is no connection string.
    """
    try:
        given = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        raise DatabaseError(
            "DATABASE_URL is no PostgreSQL connection string.",
            remedy="Write it as postgresql://user:password@host:5432/database",
        ) from None
    if "://" in database_url and any("@" in str(given.get(part, "")) for part in ("host", "port", "dbname")):
        raise DatabaseError(
            "DATABASE_URL has an unescaped @, / or : in its password.",
            remedy="Write them as %40, %2F and %3A.",
        )
    conninfo = make_conninfo("", **{**_KEEPALIVE, **given, "application_name": f"foldline {purpose}"})
    connection = psycopg.connect(conninfo, autocommit=True)
    connection.prepare_threshold = 1
    connection.execute(
        "SELECT set_config(name, setting, false) FROM unnest(%s::text[], %s::text[]) AS session (name, setting)",
        ([*_SESSION, "lock_timeout"], [*_SESSION.values(), lock_timeout]),
    )
    connection.autocommit = autocommit
    return connection


def describe(database_url: str) -> str:
    """Where a URL leads, without the password: for messages."""
    try:
        parts = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        return "an unreadable DATABASE_URL"
    return f"{parts.get('dbname', '?')} on {parts.get('host', 'the local socket')}:{parts.get('port', 5432)}"
