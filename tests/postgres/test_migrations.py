"""Migrations: applied once and in order, each whole or not at all, by any number of runners."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from catalogs import catalog
from foldline.errors import MigrationError
from foldline.ports import LogFacts
from foldline.postgres.migrations import Runner, migrations
from foldline.resources import MIGRATIONS
from harness import TRANSITIONS, WORKFLOWS, Projector, rows, snapshot, transition, workflow
from psql import psql

RELEASED = 6
CHECKSUMS = {
    "001_create_fsm_state_table.sql": "be95ef048eee1cd8",
    "002_create_fsm_state_history.sql": "d9d046de4e8bcc46",
    "003_create_workflow_executions.sql": "d8096cad6ec3b631",
    "004_create_positions.sql": "79c22d46c0f3edf0",
    "005_create_identities.sql": "162d153a2daffa66",
    "006_create_dead_letters.sql": "19203ac98266738a",
}
LAST = len(migrations())
NUMBERS = range(1, LAST + 1)
_TRACKED = "SELECT number, name FROM foldline_migrations ORDER BY number"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The migrations, copied, to be edited."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


def first(directory: Path, count: int) -> Path:
    """The directory with only so many migrations left in it."""
    for migration in migrations(directory)[count:]:
        (directory / migration.name).unlink()
    return directory


def test_an_empty_database_gets_everything_once(empty_database_url: str) -> None:
    runner = Runner(empty_database_url)
    assert {status.applied_at for status in runner.status()} == {None}
    assert rows(empty_database_url, "SELECT count(*) FROM pg_class WHERE relname ~ '^(fsm|foldline)'") == [(0,)]
    assert [status.number for status in runner.apply()] == list(NUMBERS)
    made = catalog(empty_database_url)
    tracked = rows(empty_database_url, "SELECT * FROM foldline_migrations ORDER BY number")
    assert runner.apply() == []
    assert catalog(empty_database_url) == made
    assert rows(empty_database_url, "SELECT * FROM foldline_migrations ORDER BY number") == tracked
    assert [(status.number, status.edited) for status in runner.status()] == [(number, False) for number in NUMBERS]
    assert [status.applied_at for status in runner.status()] == [row[3] for row in tracked]
    runner.check()


def test_no_extension_and_no_other_schema_is_needed(database_url: str, empty_database_url: str) -> None:
    assert catalog(database_url)["extensions"] == ["('plpgsql',)"]
    assert catalog(database_url)["schemas"] == catalog(empty_database_url)["schemas"]


def test_every_file_may_be_run_again_and_again(database_url: str, empty_database_url: str) -> None:
    runner_made = catalog(database_url)
    for _ in range(2):
        for migration in migrations():
            psql(empty_database_url, MIGRATIONS / migration.name)
            psql(empty_database_url, MIGRATIONS / migration.name)
    by_psql = catalog(empty_database_url)
    rows(database_url, "DROP TABLE foldline_migrations")
    assert by_psql == catalog(database_url)
    assert by_psql != runner_made


def test_running_the_files_again_keeps_the_data(projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"))
    projector.project(workflow("STARTED", event_id="1"), partition=WORKFLOWS)
    before = snapshot(projector.database_url)
    for migration in migrations():
        psql(projector.database_url, MIGRATIONS / migration.name)
    assert snapshot(projector.database_url) == before


def test_an_applied_file_that_was_edited_is_an_error_and_shows_in_the_status(
    empty_database_url: str, directory: Path
) -> None:
    Runner(empty_database_url, first(directory, 3)).apply()
    edited = directory / "002_create_fsm_state_history.sql"
    edited.write_text(edited.read_text(encoding="utf-8") + "-- more\n", encoding="utf-8")
    runner = Runner(empty_database_url, directory)
    assert [status.edited for status in runner.status()] == [False, True, False]
    for refusal in (runner.apply, runner.check):
        with pytest.raises(MigrationError, match=r"002_create_fsm_state_history\.sql was edited"):
            refusal()


def test_a_failing_migration_leaves_nothing_and_those_before_it_stay(empty_database_url: str, directory: Path) -> None:
    broken = directory / "003_create_workflow_executions.sql"
    good = broken.read_text(encoding="utf-8")
    broken.write_text(f"{good}\nSELECT 1 / 0;\nCREATE TABLE never ();\n", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"003_create_workflow_executions\.sql failed and was undone: division by"):
        Runner(empty_database_url, directory).apply()
    left = catalog(empty_database_url)
    assert [number for number, _ in rows(empty_database_url, _TRACKED)] == [1, 2]
    rows(empty_database_url, "DROP TABLE foldline_migrations")
    broken.write_text(good, encoding="utf-8")
    assert [status.number for status in Runner(empty_database_url, directory).apply()] == list(NUMBERS)
    Runner(empty_database_url, directory).roll_back(3)
    assert catalog(empty_database_url) == left


def test_two_runners_at_once_apply_everything_once(empty_database_url: str) -> None:
    together = threading.Barrier(4)
    applied: list[int] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            together.wait()
            applied.extend(status.number for status in Runner(empty_database_url).apply())
        except BaseException as error:  # noqa: BLE001 - asserted below
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(applied) == list(NUMBERS)
    Runner(empty_database_url).check()


def test_a_database_with_a_newer_migration_is_refused(database_url: str) -> None:
    rows(database_url, "INSERT INTO foldline_migrations VALUES (99, '099_later.sql', 'x')")
    runner = Runner(database_url)
    for refusal in (runner.apply, runner.check):
        with pytest.raises(MigrationError, match=r"099_later\.sql, which this release does not know"):
            refusal()
    with pytest.raises(MigrationError, match="has migration 099"):
        runner.roll_back(1)


def test_a_database_that_lacks_migrations_is_refused(empty_database_url: str, directory: Path) -> None:
    with pytest.raises(MigrationError, match=f"lacks 001_create_fsm_state_table.sql and {LAST - 1} more"):
        Runner(empty_database_url).check()
    Runner(empty_database_url, first(directory, LAST - 1)).apply()
    with pytest.raises(MigrationError, match=f"lacks {migrations()[-1].name}. Run `foldline migrate`"):
        Runner(empty_database_url).check()


def test_tables_of_the_release_before_go_on_with_the_migrations_that_came_later(projector: Projector) -> None:
    """001 to 006 are what the first release had; what they hold is judged on after 007 and whatever follows it."""
    early = (transition("START_PROCESSING", event_id="1"), transition("SHRINK", event_id="2"))
    projector.project(*early)
    before = snapshot(projector.database_url)
    positions = rows(projector.database_url, "SELECT topic, partition, next_offset FROM foldline_positions")
    Runner(projector.database_url).roll_back(RELEASED + 1)
    with psycopg.connect(projector.database_url) as connection:
        connection.cursor().executemany(
            "INSERT INTO foldline_positions (topic, partition, next_offset, begun_at, epoch,"
            " leader_epoch, group_id, owner)"
            " VALUES (%s, %s, %s, 0, 1, 0, 'foldline', 'release 1')",
            positions,
        )
    assert [status.number for status in Runner(projector.database_url).apply()] == list(range(RELEASED + 1, LAST + 1))
    after = snapshot(projector.database_url)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"foldline_positions"}, "verdicts are counted anew"
    tables = Projector(projector.database_url).tables()
    assert tables.claim(TRANSITIONS, LogFacts(0, 9, "id-1")).read_to is None, "how far was read was not kept then"
    tables.close()
    Projector(projector.database_url).project(*early, *early, transition("COMPLETE_INDEXING", event_id="3"))
    assert rows(projector.database_url, "SELECT current_state FROM fsm_state") == [("INDEXED",)]
    assert rows(projector.database_url, "SELECT applied, duplicate FROM foldline_positions WHERE next_offset > 0") == [
        (1, 2)
    ]


def test_what_was_released_is_never_edited() -> None:
    """Who has applied a file has its checksum: an edited one would refuse to run for all of them."""
    assert {each.name: each.checksum[:16] for each in migrations() if each.number <= RELEASED} == CHECKSUMS


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (f"{LAST + 1:03}_Upper.sql", "is not named"),
        (f"{LAST + 1:03}_no_rollback.sql", "has no rollback"),
        (f"{LAST + 2:03}_a_gap.sql", "are not numbered"),
    ],
)
def test_a_directory_that_is_not_in_order_is_refused(directory: Path, name: str, problem: str) -> None:
    (directory / name).touch()
    (directory / "rollback" / f"{LAST + 2:03}_rollback.sql").touch()
    with pytest.raises(MigrationError, match=problem):
        migrations(directory)


def test_everything_is_made_in_public_also_if_there_is_a_schema_named_like_the_role(empty_database_url: str) -> None:
    ((role,),) = rows(empty_database_url, "SELECT quote_ident(current_user)")
    rows(empty_database_url, f"CREATE SCHEMA {role}")
    Runner(empty_database_url).apply()
    Projector(empty_database_url).project(transition("START_PROCESSING", event_id="1"))
    # The stage of the session that was just closed may be there a moment longer.
    made = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename ~ '^(fsm|foldline)' AND schemaname !~ '^pg_temp'"
    assert rows(empty_database_url, made) == [("public",)]
    Runner(empty_database_url).roll_back(1)


def test_an_owner_may_have_any_name(server_url: str, empty_database_url: str) -> None:
    owner = '"Ops, ""Team"" \'x\'"'
    rows(server_url, f"CREATE ROLE {owner} LOGIN SUPERUSER PASSWORD 'o'")
    try:
        url = make_conninfo(empty_database_url, user="Ops, \"Team\" 'x'", password="o")
        Runner(url).apply()
        Projector(url).project(transition("START_PROCESSING", event_id="1"))
        rows(url, "UPDATE fsm_state SET current_state = 'RECEIVED'")
        assert rows(url, "SELECT action FROM fsm_state_history ORDER BY id") == [("START_PROCESSING",), ("MANUAL",)]
        Runner(url).roll_back(1)
    finally:
        rows(empty_database_url, f"DROP OWNED BY {owner} CASCADE")
        rows(server_url, f"DROP ROLE {owner}")
