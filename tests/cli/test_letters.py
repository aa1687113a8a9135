"""`foldline deadletters drop` and `export`, and what `show` tells afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from commands import Commands
from envelopes import BESIDE, DATA, EVENT, STRUCTURED, WHOLE
from foldline.core.decode import decode_transition
from foldline.core.events import Record
from foldline.kafka.lines import route
from harness import WORKFLOWS, Projector, encoded, rows, transition, workflow
from roles import Users

BOUNDS = [
    (("--id", "2", "--id", "4"), {2, 4}),
    (("--id", "5"), set()),
    (("--id", "2", "--reason", "malformed"), set()),
    (("--entity", "doc-1"), {1, 2}),
    (("--entity", "wf-9"), {6}),
    (("--reason", "malformed"), {3, 4}),
    (("--entity", "doc-1", "--reason", "unknown_action"), {2}),
    (("--since", "2026-01-31T12:00:00Z", "--entity", "doc-1"), {2}),
    (("--all",), {1, 2, 3, 4, 6}),
]


@pytest.fixture
def projected(foldline: Commands, projector: Projector) -> Commands:
    projector.project(transition("COMPLETE_INDEXING", event_id="1"), transition("DANCE", event_id="2"), b"poison", None)
    projector.project(b"settled", workflow("PAUSED", workflow_id="wf-9", event_id="1"), partition=WORKFLOWS)
    rows(projector.database_url, "UPDATE foldline_dead_letters SET status = 'applied' WHERE id = 5")
    rows(projector.database_url, "UPDATE foldline_dead_letters SET recorded_at = '2020-01-01Z' WHERE id = 1")
    foldline.set(DATABASE_URL=projector.database_url)
    return foldline


@pytest.mark.parametrize(("words", "numbers"), BOUNDS)
def test_what_selects_is_combined_and_only_what_waits_is_taken(
    projected: Commands, projector: Projector, words: tuple[str, ...], numbers: set[int]
) -> None:
    dropped = projected("deadletters", "drop", "--why", "noise", *words, "--json")
    assert dropped.document == {"dropped": len(numbers)}
    assert dropped.code == (1 if "--id" in words and not numbers else 0)
    found = rows(projector.database_url, "SELECT id FROM foldline_dead_letters WHERE status = 'dropped'")
    assert {number for (number,) in found} == numbers
    again = projected("deadletters", "drop", "--why", "noise", *words)
    if "--id" in words:
        assert again.code == 1
    else:
        assert again.out == "No dead letter to drop.\n"


def test_a_dropped_letter_says_by_whom_and_why(projected: Commands) -> None:
    assert projected("deadletters", "drop", "--id", "3", "--why", "noise\x1b[31m").code == 0
    shown = projected("deadletters", "show", "3")
    assert "now dropped" in shown.out
    assert ": noise\\x1b[31m" in shown.out
    told = projected("deadletters", "show", "3", "--json").json
    assert (told["why"], told["redrives"], told["answered_as"]) == ("noise\x1b[31m", 0, None)
    assert datetime.now(UTC) - datetime.fromisoformat(told["closed_at"]) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "words", [(), ("--all",), ("--all", "--why", " "), ("--all", "--why", "x" * 1001), ("--why", "x")]
)
def test_dropping_says_which_and_why_or_no_server_is_asked(foldline: Commands, words: tuple[str, ...]) -> None:
    refused = foldline("deadletters", "drop", *words)
    assert (refused.code, refused.out) == (2, "")


def test_only_operators_drop(foldline: Commands, users: Users) -> None:
    foldline.set(DATABASE_URL=users.reader)
    refused = foldline("deadletters", "drop", "--all", "--why", "x")
    assert refused.code == 1
    assert "foldline_ops" in refused.err


def test_what_is_exported_publishes_as_the_event_that_it_was_in_the_order_of_the_log(
    foldline: Commands, projector: Projector
) -> None:
    spread = json.dumps(transition("DANCE", event_id="3", metadata={"n": 1}), indent=1)
    exact = spread.replace('"n": 1', '"n": 1.0000000000000000000001')
    projector.project(
        Record(0, None, json.dumps(DATA | {"action": "DANCE"}).encode(), BESIDE),
        Record(0, None, encoded(WHOLE | {"data": DATA | {"action": "DANCE"}, "id": "2"}), STRUCTURED),
        exact.encode(),
        b"poison",
        None,
        encoded(EVENT | {"fsm_type": 5}),
    )
    foldline.set(DATABASE_URL=projector.database_url)
    exported = foldline("deadletters", "export", "--all")
    assert exported.code == 0
    assert "3 dead letters left out: no event, so publish would not take it back." in exported.err
    lines = exported.out.splitlines()
    records = [route(line.encode(), transition_topic="t", workflow_topic="w", raw=False) for line in lines]
    events = [decode_transition(record.value) for record in records]
    assert [event.event_id for event in events if hasattr(event, "event_id")] == ["e-1", "2", "3"]
    assert "1.0000000000000000000001" in lines[2]
    assert len(lines) == 3
    assert foldline("deadletters", "export", "--all", "--status", "applied").out == ""
    assert foldline("deadletters", "export").code == 2
    named = foldline("deadletters", "export", "--id", "3", "--id", "77")
    assert (named.code, named.out) == (1, f"{lines[2]}\n")
    assert "there is no dead letter 77" in named.err
