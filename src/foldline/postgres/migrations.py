"""The migration runner: status, apply, roll back. One transaction each, one runner at a time, checksums verified."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from foldline.errors import MigrationError
from foldline.postgres.blockers import advisory_holder
from foldline.postgres.connection import connect, unreachable
from foldline.postgres.owner import act_as_owner, grant
from foldline.resources import MIGRATIONS

RUNNER_LOCK = 70094211
"""Advisory lock: one runner at a time."""
_PATIENCE_SECONDS = 60.0

SEED_VERSION = "v1.0.0"
"""The schema version that migrations 001 to 003 make."""

_NAME = re.compile(r"(\d{3})_[a-z0-9_]+\.sql")
_TRACKING = """
CREATE TABLE IF NOT EXISTS public.foldline_migrations (
    number     integer     PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text        NOT NULL DEFAULT session_user
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`. The checksum is the SHA-256 of its bytes."""

    number: int
    name: str
    sql: LiteralString
    checksum: str
    rollback: LiteralString


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration and whether it is applied.

    Attributes:
        number: its number.
        name: the name of its file.
        applied_at: when it was applied; null if it is not.
        edited: whether the file is another one than was applied.
    """

    number: int
    name: str
    applied_at: datetime | None
    edited: bool = False


def migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """The migrations in their order."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name} is not named NNN_what_it_makes.sql.", remedy="Rename it.")
        rollback = directory / "rollback" / f"{match[1]}_rollback.sql"
        if not rollback.is_file():
            raise MigrationError(f"{path.name} has no rollback.", remedy=f"Write rollback/{rollback.name}.")
        octets = path.read_bytes()
        found.append(
            Migration(
                int(match[1]), path.name, octets.decode(), hashlib.sha256(octets).hexdigest(), rollback.read_text()
            )
        )
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"The migrations in {directory} are not numbered 001, 002, and so on.", remedy="Renumber.")
    return found


class Runner:
    """Brings one database to the schema that this release knows."""

    def __init__(self, database_url: str, directory: Path = MIGRATIONS) -> None:
        self._database_url = database_url
        self._migrations = migrations(directory)

    def status(self) -> list[MigrationStatus]:
        """Every migration, applied or not. Changes nothing."""
        with self._connected() as connection:
            return self._status(_tracked(connection))

    def apply(self) -> list[MigrationStatus]:
        """Apply what is pending, in order; returns what was applied now. As foldline_owner, grants what is there then.

        Raises:
            MigrationError: an applied file was edited, the database is newer, or a statement failed (that migration
                is undone, those before it stay).
        """
        with self._connected() as connection, _alone(connection):
            connection.execute(_TRACKING)
            tracked = _tracked(connection)
            self._refuse_surprises(tracked)
            pending = [migration for migration in self._migrations if migration.number not in tracked]
            for migration in pending:
                self._apply(connection, migration)
            grant(connection)
            after = {status.number: status for status in self._status(_tracked(connection))}
            return [after[migration.number] for migration in pending]

    def roll_back(self, number: int) -> list[MigrationStatus]:
        """Undo this migration and every later one; returns what was undone, latest first. All positions go with it."""
        with self._connected() as connection, _alone(connection):
            tracked = _tracked(connection)
            undone = [s for s in reversed(self._status(tracked)) if s.number >= number and s.applied_at is not None]
            target = next((migration for migration in self._migrations if migration.number == number), None)
            if target is None:
                known = f"001 to {len(self._migrations):03}"
                raise MigrationError(f"There is no migration {number:03}.", remedy=f"The migrations are {known}.")
            newer = [n for n in tracked if n > len(self._migrations)]
            if newer:
                raise MigrationError(
                    f"The database has migration {newer[0]:03}, which this release does not know.",
                    remedy="Roll back with the release that applied it.",
                )
            try:
                with connection.transaction():
                    connection.execute(target.rollback)
            except psycopg.Error as error:
                raise _failed(f"rollback/{number:03}_rollback.sql", error) from None
            return undone

    def check(self) -> None:
        """Refuse a database that is not at the schema version that this release names."""
        statuses = self.status()
        if all(status.applied_at is not None and not status.edited for status in statuses):
            with self._connected() as connection:
                self._refuse_surprises(_tracked(connection))
            return
        missing = [status.name for status in statuses if status.applied_at is None]
        if missing:
            raise MigrationError(
                f"The database lacks {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else "") + ".",
                remedy="Run `foldline migrate`.",
            )
        with self._connected() as connection:
            self._refuse_surprises(_tracked(connection))

    def _apply(self, connection: psycopg.Connection[Any], migration: Migration) -> None:
        try:
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute(
                    "INSERT INTO public.foldline_migrations (number, name, checksum) VALUES (%s, %s, %s)",
                    (migration.number, migration.name, migration.checksum),
                )
        except psycopg.Error as error:
            raise _failed(migration.name, error) from None

    def _status(self, tracked: dict[int, tuple[str, str, datetime]]) -> list[MigrationStatus]:
        statuses = []
        for migration in self._migrations:
            _, checksum, applied_at = tracked.get(migration.number, ("", "", None))
            edited = applied_at is not None and checksum != migration.checksum
            statuses.append(MigrationStatus(migration.number, migration.name, applied_at, edited))
        return statuses

    def _refuse_surprises(self, tracked: dict[int, tuple[str, str, datetime]]) -> None:
        for number, (name, checksum, _) in sorted(tracked.items()):
            if number > len(self._migrations):
                raise MigrationError(
                    f"The database has {name}, which this release does not know.", remedy="Run a newer release."
                )
            if checksum != self._migrations[number - 1].checksum:
                raise MigrationError(
                    f"{name} was edited after it was applied.",
                    remedy="Restore the file, or roll back to it and apply again (embedded: `foldline up --fresh`).",
                )

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            connection = connect(self._database_url, purpose="migrate")
        except psycopg.OperationalError as error:
            raise unreachable(self._database_url, error) from None
        with connection:
            connection.execute("SELECT set_config('statement_timeout', '0', false)")
            # Not to a schema named like the role, which "$user" would prefer: the functions look in public.
            connection.execute("SELECT set_config('search_path', 'public', false)")
            try:
                act_as_owner(connection)
                yield connection
            except psycopg.Error as error:
                raise _refused(error) from None


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        with connection.transaction():
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{_PATIENCE_SECONDS}s",))
            connection.execute("SELECT pg_advisory_lock(%s)", (RUNNER_LOCK,))
    except psycopg.errors.LockNotAvailable:
        holder = advisory_holder(connection, RUNNER_LOCK) or "another session"
        raise MigrationError(
            f"Another migration is under way; its lock is held by {holder}.",
            remedy="Wait for it, or end that session, and run it again.",
        ) from None
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (RUNNER_LOCK,))


def _tracked(connection: psycopg.Connection[Any]) -> dict[int, tuple[str, str, datetime]]:
    if connection.execute("SELECT to_regclass('public.foldline_migrations')").fetchone() == (None,):
        return {}
    rows = connection.execute("SELECT number, name, checksum, applied_at FROM public.foldline_migrations").fetchall()
    return {number: (name, checksum, applied_at) for number, name, checksum, applied_at in rows}


def _refused(error: psycopg.Error) -> MigrationError:
    if error.sqlstate is None:
        return MigrationError("The connection to PostgreSQL is lost.", remedy="Look at its log, and run it again.")
    return MigrationError(
        f"PostgreSQL refused: {error.diag.message_primary} (SQLSTATE {error.sqlstate}).",
        remedy="Migrations are for the role that owns the tables."
        if isinstance(error, psycopg.errors.InsufficientPrivilege)
        else "Mend the cause and run it again.",
    )


def _failed(name: str, error: psycopg.Error) -> MigrationError:
    said = error.diag.message_primary or type(error).__name__
    hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
    return MigrationError(
        f"{name} failed and was undone: {said} (SQLSTATE {error.sqlstate}).{hint}",
        remedy="" if hint else "Nothing of it remains; mend the cause and run it again.",
    )
