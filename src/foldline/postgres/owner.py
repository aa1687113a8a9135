"""Migrations in a database that is kept by roles.sql: they act as the owner of its objects, and grant at their end."""

from __future__ import annotations

from typing import Any

import psycopg

from foldline.postgres.queries import query
from foldline.resources import ROLES


def act_as_owner(connection: psycopg.Connection[Any]) -> None:
    """Take foldline_owner's role if roles.sql was run on this database and the user is a member."""
    if connection.execute(query("may_act_as_owner")).fetchone() == (True,):
        connection.execute("SET ROLE foldline_owner")


def grant(connection: psycopg.Connection[Any]) -> None:
    """What roles.sql says, for whoever acts as the owner."""
    if connection.execute("SELECT current_user = 'foldline_owner'").fetchone() == (True,):
        connection.execute(ROLES.read_text(encoding="utf-8"))
