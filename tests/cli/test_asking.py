"""What commands say when PostgreSQL does not answer: each cause has its own words and its own remedy."""

from __future__ import annotations

import psycopg
import pytest

from commands import Commands
from foldline.errors import DatabaseError
from foldline.lost_log import Acceptance
from foldline.postgres import asking
from foldline.postgres.acceptances import accept_position
from foldline.postgres.reports import Reports
from harness import Projector, transition
from roles import Users

_TABLES = "fsm_state, fsm_state_history, foldline_dead_letters, foldline_positions"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.6)


def test_commands_that_wait_for_a_lock_name_who_holds_it(foldline: Commands, users: Users) -> None:
    Projector(users.projector).project(transition("START_PROCESSING", event_id="1"))
    (seen,) = Reports(users.reader).positions()
    foldline.set(DATABASE_URL=users.reader, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    with psycopg.connect(users.database_url, application_name="psql") as other:
        other.execute(f"LOCK TABLE {_TABLES} IN ACCESS EXCLUSIVE MODE")
        said = f"PostgreSQL did not answer in time: it waited for a lock of session {other.info.backend_pid} (psql of "
        for words in ("status", "history INGESTION doc-1", "deadletters list"):
            answer = foldline(*words.split())
            assert (answer.code, answer.out) == (1, ""), words
            (line,) = answer.err.splitlines()
            assert line.startswith(f"foldline: {said}"), words
            assert "(SQLSTATE 55P03). Wait until that session is done, or end it" in line
            assert "foldline_reader" not in line
        with pytest.raises(DatabaseError, match="waited for a lock of session"):
            accept_position(users.ops, seen, Acceptance(2), why="", who="")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("42501", "refused to answer.*Log in as a member of foldline_reader"),
        ("53100", "did not answer: its disk is full: make room on it.*Then run the command again"),
        ("55P03", "lock of another session.*pg_locks"),
        ("57014", "took longer than its time limit"),
        ("XX000", "refused to answer.*InternalError.*See its log"),
    ],
)
def test_every_cause_has_words_of_its_own(database_url: str, state: str, words: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '{state}'; END $$"
    with (
        pytest.raises(DatabaseError, match=words) as caught,
        asking.asking(database_url, "report") as connection,
    ):
        connection.execute(raising)
    assert f"SQLSTATE {state}" in caught.value.problem
    assert "secret" not in str(caught.value)
    assert ("foldline_reader" in str(caught.value)) == (state == "42501")


def test_a_session_that_is_cut_off_is_told_from_a_refusal(database_url: str) -> None:
    with (
        pytest.raises(DatabaseError, match="an administrator ends its sessions"),
        asking.asking(database_url, "report") as connection,
    ):
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
