"""What waits in the database, as a worker's own user may know it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from foldline.errors import DatabaseError
from foldline.postgres.backlog import open_letters
from harness import Projector, rows, transition
from roles import Users


def test_a_worker_may_know_how_many_dead_letters_are_open_and_for_how_long(users: Users) -> None:
    assert open_letters(users.projector) == []
    refused = [transition("REINDEX", event_id=str(number)) for number in range(3)]
    Projector(users.projector).project(*refused, b"no event")
    rows(users.owner, "UPDATE foldline_dead_letters SET recorded_at = now() - interval '90 s' WHERE record_offset = 0")
    rows(users.owner, "UPDATE foldline_dead_letters SET status = 'dropped' WHERE record_offset = 2")
    found = open_letters(users.projector)
    assert found is not None
    assert [(each.verdict, each.reason, each.count) for each in found] == [
        ("rejected", "illegal_transition", 2),
        ("undecodable", "malformed", 1),
    ]
    assert 90 <= found[0].oldest_seconds < 190
    assert 0 <= found[1].oldest_seconds < 100


@pytest.mark.parametrize("column", ["key", "headers", "detail", "entity_id"])
def test_it_may_know_no_more_of_them_than_what_an_answer_to_a_redrive_needs(users: Users, column: str) -> None:
    rows(users.projector, "SELECT value FROM foldline_dead_letters")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(users.projector, f"SELECT {column} FROM foldline_dead_letters")


def test_a_database_that_answers_but_not_this_is_told_from_one_that_is_away(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.backlog._PATIENCE_SECONDS", 0.3)
    with psycopg.connect(users.owner) as blocking:
        blocking.execute("LOCK TABLE foldline_dead_letters")
        assert open_letters(users.projector) is None
    with pytest.raises(DatabaseError, match="cannot be reached") as away:
        open_letters(make_conninfo(users.projector, port=1, password="hidden"))
    assert "hidden" not in str(away.value)
