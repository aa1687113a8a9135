"""Every statement in postgres/sql is one that PostgreSQL takes on the migrated schema, explained, and in use."""

from __future__ import annotations

import re

import psycopg
import pytest

from foldline.postgres.queries import DIRECTORY, names, query
from statements import numbered

_SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in DIRECTORY.parent.glob("*.py"))


def test_every_statement_can_be_prepared(database_url: str) -> None:
    refused = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT foldline_open_stage()")
        for name in names():
            try:
                connection.execute(f"PREPARE {name} AS {numbered(query(name))}")
            except psycopg.Error as error:
                refused[name] = error.diag.message_primary
    assert refused == {}


@pytest.mark.parametrize("name", names())
def test_it_begins_with_what_it_promises_and_is_one_statement(name: str) -> None:
    text = (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")
    assert re.match(r"-- [A-Z].*\.\n", text.replace("\n-- ", " "))
    assert ";" not in query(name)
    assert "--" not in query(name), "a comment inside would swallow what follows on its line"
    assert text.endswith("\n")


@pytest.mark.parametrize("name", names())
def test_it_is_used(name: str) -> None:
    assert f'"{name}"' in _SOURCES


def test_every_statement_that_is_asked_for_is_there() -> None:
    asked = set(re.findall(r'query\("(\w+)"\)|(?:_all|send|expect|expect_answer)\((?:"[\w ]+", )?"(\w+)"', _SOURCES))
    assert {first or second for first, second in asked} <= set(names())
