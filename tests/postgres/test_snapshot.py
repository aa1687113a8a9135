"""The tables of one moment: every column of every row as PostgreSQL has it, and nothing of what came later."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from foldline.core.batch import Partition
from foldline.core.events import Record
from foldline.core.identity import identity_digest
from foldline.errors import DatabaseError
from foldline.postgres.queries import query
from foldline.postgres.snapshot import _ROWS, Snapshot
from foldline.replay.copytext import columns, leading
from foldline.replay.cut import (
    Accepted,
    Activation,
    EntityRow,
    HistoryRow,
    IdentityRow,
    LetterRow,
    Row,
    Standing,
    TimelineRow,
    WorkflowRow,
)
from harness import TRANSITIONS, WORKFLOWS, Projector, rows, transition, workflow
from roles import Users

SHAPES: tuple[type[Row], ...] = (EntityRow, HistoryRow, WorkflowRow, TimelineRow, LetterRow, IdentityRow)
AWKWARD = ("a\tb\nc\rd\\e\vf\bg\fh", "\v", "\\v", "\\N", "\\.", "", " ", "ü € 😀", "\\\\\t\\t", "\x01\x7f")


def _project(projector: Projector) -> None:
    projector.project(
        *(
            transition("START_PROCESSING", event_id="1", entity_id=f"e-{text}", correlation_id=f"c-{text}")
            for text in AWKWARD
        ),
        *(
            transition("FAIL", event_id="2", entity_id=f"e-{text}", error_message=text, metadata={text: [text, 1.50]})
            for text in AWKWARD
        ),
        transition("REINDEX", event_id="3", lease={"lease_id": "l", "lease_epoch": 7}),
        Record(0, b"\t\\\x00\xff", b"no json", (("h\t", b"\\"), ("h", None)), 17),
        None,
    )
    projector.project(
        workflow("STARTED", event_id="1", input_payload=list(AWKWARD), occurred_at="2020-01-31T12:00:00Z"),
        workflow("STEP_COMPLETED", event_id="2", step="\\N\t", occurred_at="2020-01-31T12:00:01Z"),
        workflow("FAILED", event_id="3", error_message="\v", occurred_at="2020-01-31T12:00:02.000001Z"),
        workflow("STARTED", event_id="4", workflow_id="wf-2"),
        partition=WORKFLOWS,
    )
    rows(projector.database_url, "SELECT cleanup_completed_workflows(30)")
    rows(projector.database_url, "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('A\tB', '', '\\')")


def test_every_row_is_as_the_tables_have_it(projector: Projector) -> None:
    _project(projector)
    with Snapshot(projector.database_url) as snapshot:
        for shape, statement in _ROWS.items():
            names = ", ".join(f"({name})::text" for name in shape._fields)
            expected = rows(projector.database_url, f"SELECT {names} FROM ({query(statement)}) AS listed")
            with_short_booleans = [[{"true": "t", "false": "f"}.get(x, x) for x in row] for row in expected]
            lines = list(snapshot.lines(shape))
            assert len(expected) > 0
            assert sorted(map(repr, map(columns, lines))) == sorted(map(repr, with_short_booleans))
            assert [leading(line, 2).decode().split("\0") for line in lines] == [columns(line)[:2] for line in lines]


def test_a_shape_names_the_columns_of_its_statement(database_url: str) -> None:
    assert set(_ROWS) == set(SHAPES)
    with psycopg.connect(database_url) as connection:
        for shape, statement in _ROWS.items():
            described = connection.execute(f"SELECT * FROM ({query(statement)}) AS listed LIMIT 0").description
            assert described is not None
            assert shape._fields == tuple(column.name for column in described)


def test_keys_come_as_those_who_fold_have_them(projector: Projector) -> None:
    _project(projector)
    with Snapshot(projector.database_url) as snapshot:
        digests = {row.digest for row in snapshot.rows(IdentityRow)}
        letters = list(snapshot.rows(LetterRow))
    assert identity_digest("transition", "INGESTION", "e-\\N", "c-\\N", "1") in digests
    undecodable = letters[-2]
    assert undecodable.key is not None
    assert bytes.fromhex(undecodable.key) == b"\t\\\x00\xff"
    assert [int(letter.record_offset) for letter in letters] == sorted(int(letter.record_offset) for letter in letters)


def test_what_comes_later_is_not_seen(projector: Projector) -> None:
    projector.project(transition("START_PROCESSING", event_id="1"))
    with Snapshot(projector.database_url) as snapshot:
        (standing,) = snapshot.cut().standings
        projector.project(*(transition("FAIL", event_id=str(n), error_message="x") for n in range(1, 4)))
        assert [row.current_state for row in snapshot.rows(EntityRow)] == ["PROCESSING"]
        assert len(list(snapshot.rows(HistoryRow))) == 1
        assert snapshot.cut().standings == (standing,)
    assert standing.next_offset == 1


def test_the_cut_says_who_judged_from_where_and_what_is_gone(projector: Projector) -> None:
    _project(projector)
    with Snapshot(projector.database_url) as snapshot:
        cut = snapshot.cut()
    transitions, workflows = cut.standings
    count = 2 * len(AWKWARD) + 3
    assert transitions == Standing(TRANSITIONS, 0, "id-1", 0, count, count - 3, 0, 1, 2, compaction_accepted=False)
    assert (workflows.partition, workflows.next_offset) == (WORKFLOWS, 4)
    assert Activation(TRANSITIONS, 0, "INGESTION", 0, 1) in cut.activations
    assert '"RECEIVED"' in cut.definitions["INGESTION", 1].document
    (target,) = cut.cleaned_up_to
    assert target == "workflow_executions"
    assert datetime(2020, 1, 31, tzinfo=UTC) < cut.cleaned_up_to[target] < cut.taken_at
    assert cut.estimates[HistoryRow] > 0


def test_accepted_losses_are_in_the_cut(projector: Projector) -> None:
    projector.project(transition("START_PROCESSING"))
    rows(
        projector.database_url,
        "INSERT INTO foldline_acceptances (topic, partition, problem, incarnation, from_offset, to_offset, why,"
        " accepted_by) VALUES ('t', 3, 'gone', 1, 7, 9, 'w', 'me')",
    )
    with Snapshot(projector.database_url) as snapshot:
        cut = snapshot.cut()
    assert cut.accepted == (Accepted(Partition("t", 3), 1, from_offset=7, to_offset=9),)


def test_a_reader_may_take_it_and_leave_in_the_middle(users: Users, database_url: str) -> None:
    rows(
        database_url,
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state) SELECT 'A', n, 'X' FROM generate_series(1, 5000) n",
    )
    with Snapshot(users.reader) as snapshot:
        assert not snapshot.cut().standings
        assert next(snapshot.rows(EntityRow)).fsm_type == "A"


def test_leaving_by_an_exception_in_the_middle_of_a_table_does_not_wait_for_the_rest(database_url: str) -> None:
    rows(
        database_url,
        "INSERT INTO fsm_state (fsm_type, entity_id, current_state) SELECT 'A', n, 'X' FROM generate_series(1, 5000) n",
    )
    with pytest.raises(ZeroDivisionError), Snapshot(database_url) as snapshot:  # noqa: PT012 - the point is the way out
        lines = snapshot.lines(EntityRow)
        assert next(lines).startswith(b"A")
        raise ZeroDivisionError


def test_nothing_can_be_written_through_it(database_url: str) -> None:
    with pytest.raises(DatabaseError), Snapshot(database_url) as snapshot:
        snapshot._connection.execute("DELETE FROM fsm_state")  # noqa: SLF001 - nothing public would


def test_a_database_that_is_not_there_is_named(database_url: str) -> None:
    with pytest.raises(DatabaseError, match="not_there"), Snapshot(make_conninfo(database_url, dbname="not_there")):
        pass
