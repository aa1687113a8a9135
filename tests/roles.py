"""deployment/database/roles.sql on a test's database, and a user in each of its groups."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

from foldline.resources import ROLES

GROUPS = ("owner", "projector", "reader", "ops")
PASSWORD = "in-the-group"
ROLES_SQL = ROLES.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Users:
    """A user of each group on one database. The owner's acts as foldline_owner, as for `foldline migrate`."""

    database_url: str = field(repr=False)

    def url(self, group: str) -> str:
        role = {"options": "-c role=foldline_owner"} if group == "owner" else {}
        return make_conninfo(self.database_url, user=f"test_{group}", password=PASSWORD, **role)

    @property
    def owner(self) -> str:
        return self.url("owner")

    @property
    def projector(self) -> str:
        return self.url("projector")

    @property
    def reader(self) -> str:
        return self.url("reader")

    @property
    def ops(self) -> str:
        return self.url("ops")


def grant_roles(database_url: str) -> None:
    """Run the file as a superuser would."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ROLES_SQL)


def users_on(database_url: str) -> Users:
    """Run the file, and make the users that are not there yet."""
    grant_roles(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for group in GROUPS:
            if connection.execute("SELECT to_regrole(%s)", [f"test_{group}"]).fetchone() == (None,):
                connection.execute(f"CREATE ROLE test_{group} LOGIN PASSWORD '{PASSWORD}' IN ROLE foldline_{group}")
    return Users(database_url)


def drop_roles(server_url: str) -> None:
    """Remove users and groups; by now no database uses them."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for prefix in ("test", "foldline"):
            for group in GROUPS:
                connection.execute(f"DROP ROLE IF EXISTS {prefix}_{group}")
