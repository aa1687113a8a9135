"""Rollbacks: by the runner or by psql, they leave no trace, or nothing happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalogs import catalog
from foldline.core.machine import Machines
from foldline.errors import MigrationError
from foldline.postgres.migrations import Runner, migrations
from foldline.resources import MIGRATIONS
from harness import COUNTS, INGESTION, Projector, rows, snapshot, transition
from psql import bash, psql

LAST = len(migrations())
NUMBERS = range(1, LAST + 1)
_IDENTITIES = 5
_TRACKED = "SELECT number FROM foldline_migrations ORDER BY number"


@pytest.fixture
def earlier(empty_database_url: str, tmp_path: Path) -> dict[int, dict[str, list[str]]]:
    """The catalog as it was before each migration; the database has all of them then."""
    found = {}
    Runner(empty_database_url, tmp_path).apply()  # no migration: only the tracking table
    for migration in migrations():
        found[migration.number] = catalog(empty_database_url)
        psql(empty_database_url, MIGRATIONS / migration.name)
    psql(empty_database_url, MIGRATIONS / "rollback" / "001_rollback.sql")
    Runner(empty_database_url).apply()
    return found


def test_a_rollback_leaves_exactly_what_the_earlier_migrations_make(
    empty_database_url: str, earlier: dict[int, dict[str, list[str]]]
) -> None:
    whole = catalog(empty_database_url)
    for number in NUMBERS:
        for roll_back in (_by_the_runner, _by_psql):
            roll_back(empty_database_url, number)
            assert catalog(empty_database_url) == earlier[number], number
            assert [n for (n,) in rows(empty_database_url, _TRACKED)] == list(range(1, number))
            applied = Runner(empty_database_url).apply()
            assert [status.number for status in applied] == list(range(number, LAST + 1))
            assert catalog(empty_database_url) == whole


def _by_the_runner(database_url: str, number: int) -> None:
    undone = Runner(database_url).roll_back(number)
    assert [status.number for status in undone] == list(range(LAST, number - 1, -1))


def _by_psql(database_url: str, number: int) -> None:
    psql(database_url, MIGRATIONS / "rollback" / f"{number:03}_rollback.sql")
    psql(database_url, MIGRATIONS / "rollback" / f"{number:03}_rollback.sql")


def test_a_rollback_works_without_tracking_and_on_an_empty_database(empty_database_url: str) -> None:
    nothing = catalog(empty_database_url)
    psql(empty_database_url, MIGRATIONS / "rollback" / "001_rollback.sql")
    for migration in migrations():
        psql(empty_database_url, MIGRATIONS / migration.name)
    psql(empty_database_url, MIGRATIONS / "rollback" / "001_rollback.sql")
    assert catalog(empty_database_url) == nothing


@pytest.mark.parametrize("number", NUMBERS)
def test_after_a_rollback_the_log_is_read_from_its_beginning(projector: Projector, number: int) -> None:
    log = (transition("START_PROCESSING", event_id="1"), transition("COMPLETE_INDEXING", event_id="2"))
    projector.project(*log)
    Runner(projector.database_url).roll_back(number)
    Runner(projector.database_url).apply()
    assert rows(projector.database_url, COUNTS) == []
    assert rows(projector.database_url, "SELECT count(*) FROM foldline_machine_activations") == [(0,)]
    newer = Projector(projector.database_url, machines=_with_another_version(projector))
    newer.project(*log)
    # Without 001 nothing is left; where identities stay both are known; else they meet the states that they led to.
    assert rows(projector.database_url, COUNTS) == [
        (2, 0, 0, 0) if number == 1 else (0, 2, 0, 0) if number > _IDENTITIES else (0, 0, 2, 0)
    ]
    assert rows(
        projector.database_url,
        "SELECT from_offset, version FROM foldline_machine_activations WHERE fsm_type = 'INGESTION'",
    ) == [(0, 2)]


def _with_another_version(projector: Projector) -> Machines:
    return {**projector.machines, "INGESTION": replace(INGESTION, version=2, digest="2")}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_rollback_is_refused_while_a_worker_is_connected(projector: Projector, number: int) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"))
    before = catalog(projector.database_url), snapshot(projector.database_url)
    tables = projector.tables()
    file = MIGRATIONS / "rollback" / f"{number:03}_rollback.sql"
    try:
        tables.check_machines()  # the worker's first look at the database
        with pytest.raises(MigrationError, match=r"a foldline worker is running.*Stop all workers"):
            Runner(projector.database_url).roll_back(number)
        assert "a foldline worker is running" in bash(f'psql "$DATABASE_URL" -f {file}', projector.database_url).stderr
    finally:
        tables.close()
    assert (catalog(projector.database_url), snapshot(projector.database_url)) == before
    Runner(projector.database_url).roll_back(number)


def test_a_rollback_is_all_or_nothing(projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"), b"poison")
    rows(projector.database_url, "CREATE VIEW mine AS SELECT current_state FROM fsm_state")
    before = catalog(projector.database_url), snapshot(projector.database_url)
    with pytest.raises(MigrationError, match=r"001_rollback\.sql failed and was undone: cannot drop table fsm_state"):
        Runner(projector.database_url).roll_back(1)
    file = MIGRATIONS / "rollback" / "001_rollback.sql"
    assert "view mine depends" in bash(f'psql "$DATABASE_URL" -f {file}', projector.database_url).stderr
    assert (catalog(projector.database_url), snapshot(projector.database_url)) == before
    Runner(projector.database_url).check()
    Runner(projector.database_url).roll_back(2)  # the view does not depend on these


def test_a_migration_that_does_not_exist_cannot_be_rolled_back(database_url: str) -> None:
    for number in (0, LAST + 1):
        with pytest.raises(MigrationError, match=f"There is no migration {number:03}"):
            Runner(database_url).roll_back(number)
