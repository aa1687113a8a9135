"""Redrives: a header that says where a letter lay and how often, and what a plan answers to letters."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldline.core.batch import EntityKey
from foldline.core.decide import Entity
from foldline.core.events import REDRIVE_HEADER, Headers, Record, Verdict
from foldline.core.fold import fold_transitions, refused_by_database
from foldline.core.redrive import Answer, Redrive, answers, redrive_of, redriven, redrives_before
from harness import batch, encoded, records, transition
from random_logs import MACHINES, NUMBERS, transition_log

LETTER = Redrive("fsm.transitions.v1", 3, 17, 0, 1)
REDRIVES = st.builds(
    Redrive,
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=249),
    *(st.integers(0, most) for most in (2**31 - 1, 2**63 - 1, 2**31 - 1, 2**31 - 1)),
)
_LETTERS = 4
_KEYS = (("FREE", "a"), ("FREE", "b"), ("STRICT", "a"), ("GHOST", "a"))
VALUES = st.none() | st.binary()
HEADERS = st.lists(st.tuples(st.sampled_from([REDRIVE_HEADER, "a", "ce_id"]), VALUES)).map(tuple)


def _redrive(event: dict[str, object] | bytes | None, letter: Redrive = LETTER) -> Record:
    return Record(0, b"k", encoded(event), redriven((), letter))


@given(HEADERS, REDRIVES, REDRIVES)
def test_the_header_comes_back_whatever_stands_beside_it_and_replaces_an_earlier_one(
    headers: Headers, first: Redrive, second: Redrive
) -> None:
    once = redriven(headers, first)
    assert redrive_of(once) == first
    assert redrives_before(once) == first.redrive
    twice = redriven(once, second)
    assert redrive_of(twice) == second
    assert Counter(name for name, _ in twice)[REDRIVE_HEADER] == 1
    assert _others(twice) == _others(headers)


def test_of_several_headers_the_last_one_counts() -> None:
    other = Redrive("t", 0, 0, 0, 2)
    assert redrive_of((*redriven((), LETTER), *redriven((), other))) == other


@given(HEADERS)
def test_whatever_a_header_holds_it_is_read_or_counts_as_none(headers: Headers) -> None:
    said = redrive_of(headers)
    assert said is None or redrive_of(redriven((), said)) == said
    assert redrives_before(headers) == (0 if said is None else said.redrive)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"1",
        b"null",
        b"\xff",
        b'{"topic":"t","partition":0,"offset":5,"incarnation":0}',
        b'{"topic":"t","partition":0,"offset":5,"incarnation":0,"redrive":1.5}',
        b'{"topic":"t","partition":-1,"offset":5,"incarnation":0,"redrive":1}',
        b'{"topic":"t","partition":0,"offset":9223372036854775808,"incarnation":0,"redrive":1}',
        b'{"topic":"t","partition":2147483648,"offset":5,"incarnation":0,"redrive":1}',
        b'{"topic":"t\\u0000","partition":0,"offset":5,"incarnation":0,"redrive":1}',
        b'{"topic":"\\ud800","partition":0,"offset":5,"incarnation":0,"redrive":1}',
        b"[" * 100_000,
    ],
)
def test_what_no_redrive_would_say_counts_as_nothing_but_a_redrive(value: bytes | None) -> None:
    record = Record(0, None, encoded(transition("GO", fsm_type="FREE", entity_id="a")), ((REDRIVE_HEADER, value),))
    assert redrive_of(record.headers) is None
    assert record.redrive
    plan = fold_transitions(batch([record]), MACHINES, {("FREE", "a"): None}, {}, [1])
    assert answers(plan) == []


def test_the_header_is_compact_json_of_five_members() -> None:
    ((name, value),) = redriven((), LETTER)
    assert name == "foldline-redrive"
    assert value == b'{"topic":"fsm.transitions.v1","partition":3,"offset":17,"incarnation":0,"redrive":1}'
    assert msgspec.json.decode(value) == msgspec.to_builtins(LETTER)


def test_a_redrive_answers_applied_also_as_a_duplicate_of_what_is_applied_and_else_rejected_again() -> None:
    legal = transition("GO", fsm_type="FREE", entity_id="a", event_id="1")
    other = transition("DANCE", fsm_type="FREE", entity_id="a", event_id="2")
    log = records([_redrive(event, _at(index)) for index, event in enumerate([legal, legal, other, b"poison", None])])
    plan = fold_transitions(batch(log), MACHINES, {("FREE", "a"): None}, {}, range(1, 6))
    assert [(answer.letter.offset, answer.record.offset, answer.applied) for answer in answers(plan)] == [
        (0, 0, True),
        (1, 1, True),
        (2, 2, False),
        (3, 3, False),
        (4, 4, False),
    ]


def test_what_the_database_refuses_is_answered_as_rejected_again() -> None:
    plan = refused_by_database(batch([_redrive(transition("GO"))]), "why")
    assert answers(plan) == [Answer(LETTER, plan.batch.decoded[0].record, applied=False)]


def test_the_first_answer_to_a_letter_counts_and_a_forged_one_with_another_value_hides_none() -> None:
    legal = transition("GO", fsm_type="FREE", entity_id="a", event_id="1")
    forged = transition("GO", fsm_type="FREE", entity_id="a", event_id="2")
    log = records([_redrive(forged), _redrive(legal), _redrive(legal)])
    plan = fold_transitions(batch(log), MACHINES, {("FREE", "a"): None}, {}, range(1, 4))
    assert [answer.record.offset for answer in answers(plan)] == [0, 1]


@given(NUMBERS, st.lists(st.integers(0, 7), min_size=40, max_size=40))
def test_what_is_answered_does_not_depend_on_how_the_log_is_cut(numbers: list[int], letters: list[int]) -> None:
    log = [
        Record(record.offset, None, record.value, redriven((), _at(letter)) if letter < _LETTERS else ())
        for record, letter in zip(transition_log(numbers), letters, strict=False)
    ]
    assert _answered(log, 1) == _answered(log, max(len(log), 1))


def _others(headers: Headers) -> list[tuple[str, bytes | None]]:
    return [(name, value) for name, value in headers if name != "foldline-redrive"]


def _at(offset: int) -> Redrive:
    return Redrive("t", 0, offset, 0, 1)


def _answered(log: list[Record], size: int) -> dict[tuple[int, bytes | None], bool]:
    """The first answer to each letter and value, as the table keeps it, of a log that is cut like this."""
    kept: dict[tuple[int, bytes | None], bool] = {}
    verdicts: dict[str, Verdict] = {}
    rows: dict[EntityKey, Entity | None] = dict.fromkeys(_KEYS)
    for start in range(0, len(log), size):
        part = log[start : start + size]
        ids = [1000 + record.offset for record in part]
        plan = fold_transitions(batch(part), MACHINES, rows, verdicts, ids)
        rows |= plan.after
        verdicts |= {digest: identity.verdict for digest, identity in plan.identities.items()}
        for answer in answers(plan):
            kept.setdefault((answer.letter.offset, answer.record.value), answer.applied)
    return kept
