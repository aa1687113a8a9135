"""`foldline migrate` and the seed's runner."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Commands
from foldline.postgres.migrations import migrations

RUNNER = Path(__file__).parents[2] / "scripts/migration/apply_migrations.py"


@pytest.fixture
def on_empty(foldline: Commands, empty_database_url: str) -> Commands:
    foldline.set(DATABASE_URL=empty_database_url)
    return foldline


def test_migrations_are_applied_looked_at_and_rolled_back(on_empty: Commands) -> None:
    before = on_empty("migrate", "--status", "--json").json
    assert before["schema_version"] is None
    assert {migration["applied_at"] for migration in before["migrations"]} == {None}
    assert len(on_empty("migrate", "--json").json["applied"]) == len(before["migrations"])
    assert on_empty("migrate").out.startswith("Nothing to apply")
    undone = on_empty("migrate", "--rollback", "004", "--yes", "--json").json["rolled_back"]
    assert undone[-1] == "004_create_positions.sql"
    status = on_empty("migrate", "--status", "--json").json
    assert status["schema_version"] == "v1.0.0"
    assert status["migrations"][0]["applied_at"].endswith("Z")
    assert "Schema version: v1.0.0" in on_empty("migrate", "--status").out
    assert on_empty("migrate", "--rollback", "99", "--yes").code == 1


@pytest.mark.parametrize(("answer", "code", "left"), [(b"n\n", 1, len(migrations())), (b"y\n", 0, 3)])
def test_on_a_terminal_a_rollback_asks_first(on_empty: Commands, answer: bytes, code: int, left: int) -> None:
    on_empty("migrate")
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    ended = subprocess.run(
        [sys.executable, "-m", "foldline", "migrate", "--rollback", "4"],
        env=on_empty.environment,
        cwd=on_empty.directory,
        stdin=theirs,
        capture_output=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert ended.returncode == code
    assert b"004_create_positions.sql" in ended.stderr
    listed = on_empty("migrate", "--status", "--json").json["migrations"]
    assert sum(each["applied_at"] is not None for each in listed) == left


def test_the_seeds_runner_says_and_does_what_migrate_does(on_empty: Commands, empty_database_url: str) -> None:
    def runner(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, RUNNER, *words],
            env=on_empty.environment,
            cwd=on_empty.directory,
            capture_output=True,
            text=True,
            check=False,
        )

    del on_empty.settings["DATABASE_URL"]
    unset = runner()
    assert (unset.returncode, unset.stderr.startswith("foldline: DATABASE_URL is not set")) == (1, True)
    misspelt = runner("--databse-url", "postgresql://user:c4n4ry@host/db")
    assert (misspelt.returncode, "c4n4ry" in misspelt.stderr) == (2, False)
    applied = runner("--database-url", empty_database_url)
    assert (applied.returncode, applied.stderr) == (0, "")
    on_empty.set(DATABASE_URL=empty_database_url)
    assert runner("--status").stdout == on_empty("migrate", "--status").out
    assert runner().stdout.startswith("Nothing to apply")
