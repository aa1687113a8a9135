"""What a worker writes to the letters of redriven records, in the transaction that judges them."""

from __future__ import annotations

from typing import LiteralString

import pytest

from foldline.cli.mend.redrive import again
from foldline.core.events import Record
from foldline.core.redrive import Redrive, redriven, redrives_before
from foldline.postgres import transaction
from foldline.postgres.letters import Letters, Selection
from foldline.postgres.queries import query
from harness import TRANSITIONS, WORKFLOWS, Projector, Publishable, records, rows, transition, workflow
from roles import Users

EARLY = transition("COMPLETE_INDEXING", event_id="early")
START = transition("START_PROCESSING", event_id="start")
BECAME = (
    "SELECT record_offset, status, answered_topic, answered_partition, answered_incarnation, answered_offset"
    " FROM foldline_dead_letters ORDER BY id"
)
NONE = (None, None, None, None)


@pytest.fixture
def letters(projector: Projector) -> Letters:
    return Letters(projector.database_url)


def _again(letters: Letters, *statuses: str) -> list[Record]:
    """The records of these letters as they are redriven."""
    selection = Selection(statuses or ("open",))
    routed = [again(letter) for page in letters.pages(selection) for letter in page]
    return [Record(0, each.key, each.value, each.headers) for each in routed]


def _at(offset: int) -> tuple[str, int, int, int]:
    return (TRANSITIONS.topic, TRANSITIONS.number, 0, offset)


def _project(projector: Projector, start: int, *events: Publishable, batch_size: int = 1000) -> None:
    projector.project(*events, start=start, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_each_letter_says_what_became_of_it_and_by_which_record(
    projector: Projector, letters: Letters, batch_size: int
) -> None:
    _project(projector, 0, EARLY, transition("DANCE", event_id="2"), b"poison", None, START)
    assert [status for _, status, *_ in rows(projector.database_url, BECAME)] == ["open"] * 4
    _project(projector, 5, *_again(letters), batch_size=batch_size)
    assert rows(projector.database_url, BECAME) == [
        (0, "applied", *_at(5)),
        (1, "rejected_again", *_at(6)),
        (2, "rejected_again", *_at(7)),
        (3, "rejected_again", *_at(8)),
        (6, "open", *NONE),
        (7, "open", *NONE),
        (8, "open", *NONE),
    ]
    assert rows(projector.database_url, "SELECT current_state FROM fsm_state") == [("INDEXED",)]
    together = "SELECT DISTINCT l.xmin = p.xmin FROM foldline_dead_letters AS l, foldline_positions AS p"
    assert rows(projector.database_url, f"{together} WHERE l.record_offset = 3") == [(True,)], "in one transaction"
    assert [letters.origin_of(letter) for page in letters.pages(Selection(("open",))) for letter in page] == [2, 3, 4]
    second = letters.show(2)
    assert second is not None
    assert letters.successor_of(second) == 5


def test_letters_of_workflow_events_are_answered_too(projector: Projector, letters: Letters) -> None:
    paused, started = workflow("PAUSED", event_id="1"), workflow("STARTED", event_id="2")
    projector.project(paused, started, partition=WORKFLOWS)
    projector.project(*_again(letters), partition=WORKFLOWS, start=2)
    assert rows(projector.database_url, BECAME) == [(0, "applied", WORKFLOWS.topic, 0, 0, 2)]


def test_a_redrive_of_what_was_applied_meanwhile_is_a_duplicate_and_its_letter_applied(
    projector: Projector, letters: Letters
) -> None:
    _project(projector, 0, EARLY, START)
    (redrive,) = _again(letters)
    _project(projector, 2, redrive, redrive)
    assert rows(projector.database_url, BECAME) == [(0, "applied", *_at(2))]
    _project(projector, 4, redrive)
    assert rows(projector.database_url, BECAME) == [(0, "applied", *_at(2))]
    assert rows(projector.database_url, "SELECT applied, duplicate, rejected FROM foldline_positions") == [(2, 2, 1)]


def test_what_was_published_again_and_noted_is_answered_as_well(projector: Projector, letters: Letters) -> None:
    _project(projector, 0, EARLY, START)
    redrives = _again(letters)
    letters.note_redriven([1], who="me@here")
    assert rows(projector.database_url, BECAME) == [(0, "redriven", *NONE)]
    _project(projector, 2, *redrives)
    letters.note_redriven([1], who="me@here")  # a second time, and behind the worker
    assert rows(projector.database_url, BECAME) == [(0, "applied", *_at(2))]
    (noted,) = rows(projector.database_url, "SELECT redrives, redriven_by FROM foldline_dead_letters")
    assert (noted[0], noted[1].endswith(" (me@here)")) == (2, True)


def test_the_count_goes_on_from_letter_to_letter_and_within_one(projector: Projector, letters: Letters) -> None:
    _project(projector, 0, EARLY)
    _project(projector, 1, *_again(letters))
    _project(projector, 2, *_again(letters))
    (latest,) = _again(letters)
    assert latest.headers == (
        ("foldline-redrive", b'{"topic":"fsm.transitions.v1","partition":0,"offset":2,"incarnation":0,"redrive":3}'),
    )
    letters.note_redriven([3], who="me@here")
    (latest,) = _again(letters, "redriven")
    assert redrives_before(latest.headers) == 4


def test_a_forged_header_answers_no_letter_with_another_value_and_none_that_is_closed(
    projector: Projector, letters: Letters
) -> None:
    _project(projector, 0, EARLY, transition("DANCE", event_id="2"), START)
    assert list(letters.drop(Selection(("open",), ids=(2,)), why="nobody's", who="me@here")) == [[2]]
    forged = [redriven((), Redrive(TRANSITIONS.topic, 0, offset, 0, 1)) for offset in (0, 1, 0, 99)]
    other = records([transition("FAIL", event_id="3"), transition("DANCE", event_id="2"), START, START])
    _project(projector, 3, *(Record(0, None, r.value, h) for r, h in zip(other, forged, strict=True)))
    assert rows(projector.database_url, BECAME)[:2] == [(0, "open", *NONE), (1, "dropped", *NONE)]


def test_of_letters_that_lay_at_one_offset_the_one_of_that_log_is_answered(
    projector: Projector, letters: Letters
) -> None:
    _project(projector, 0, EARLY, START)
    rows(
        projector.database_url,
        "INSERT INTO foldline_dead_letters"
        " (topic, partition, incarnation, record_offset, verdict, reason, detail, value)"
        " SELECT topic, partition, 1, record_offset, verdict, reason, detail, value FROM foldline_dead_letters",
    )
    first = _again(letters)[0]
    _project(projector, 2, first)
    assert rows(projector.database_url, BECAME) == [(0, "applied", *_at(2)), (0, "open", *NONE)]


def test_a_projector_has_the_rights_to_answer_and_no_more(users: Users) -> None:
    worker, letters = Projector(users.projector), Letters(users.ops)
    _project(worker, 0, EARLY, START)
    _project(worker, 2, *_again(letters))
    assert rows(users.database_url, BECAME) == [(0, "applied", *_at(2))]


def test_without_a_redrive_no_statement_is_sent_for_letters(
    projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(name: str) -> LiteralString:
        asked.append(name)
        return query(name)

    monkeypatch.setattr(transaction, "query", noted)
    _project(projector, 0, START, EARLY, b"poison")
    assert "move_position" in asked
    assert "answer_letters" not in asked
    _project(projector, 3, Record(0, None, b"poison", redriven((), Redrive("t", 0, 0, 0, 1))))
    assert "answer_letters" in asked


def test_pages_are_in_the_order_of_the_log_and_bounded_whatever_the_letters_hold(
    projector: Projector, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.letters._PAGE", 3)
    monkeypatch.setattr("foldline.postgres.letters._PAGE_OCTETS", 40)
    sizes = [10, 10, 10, 10, 45, 10, 100, 10]
    projector.project(*(b"x" * size for size in sizes), partition=TRANSITIONS)
    projector.project(b"y", partition=WORKFLOWS)
    pages = [[(page.topic, page.offset) for page in each] for each in letters.pages(Selection(("open",)))]
    assert [[offset for _, offset in page] for page in pages] == [[0, 1, 2], [3, 4], [5], [6], [7, 0]]
    assert pages[-1][-1][0] == WORKFLOWS.topic


def test_what_comes_later_is_of_no_page_and_what_is_settled_meanwhile_of_none_either(
    projector: Projector, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.letters._PAGE", 1)
    _project(projector, 0, b"0", b"1", b"2")
    pages = letters.pages(Selection(("open",)))
    assert [letter.offset for letter in next(pages)] == [0]
    _project(projector, 3, b"3")
    assert list(letters.drop(Selection(("open",), ids=(2,)), why="noise", who="me@here")) == [[2]]
    assert [[letter.offset for letter in page] for page in pages] == [[], [2]]
    assert letters.fixed(Selection(("open",))) == (Selection(("open",), latest=4), 3)


def test_what_is_dropped_says_by_whom_and_why_and_a_page_is_not_the_end(
    projector: Projector, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldline.postgres.letters._DROPPED_AT_ONCE", 2)
    _project(projector, 0, *[b"poison"] * 5, EARLY)
    noise = Selection(("open",), reason="malformed")
    assert [len(numbers) for numbers in letters.drop(noise, why="noise", who="me@here")] == [2, 2, 1]
    assert list(letters.drop(noise, why="noise", who="me@here")) == []
    found = rows(
        projector.database_url,
        "SELECT count(*), bool_and(closed_by LIKE '%%(me@here)' AND closed_at > recorded_at) FROM foldline_dead_letters"
        " WHERE status = 'dropped' AND why = 'noise'",
    )
    assert found == [(5, True)]
