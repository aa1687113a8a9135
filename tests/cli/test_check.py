"""`foldline check`: what would become of a file, told without any server."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from commands import Answer, Commands
from harness import REVIEW, TRANSITIONS, WORKFLOWS, Projector, snapshot, transition, workflow

EXAMPLES = Path(__file__).parents[2] / "examples"
START = transition("START_PROCESSING", event_id="1")
LEGAL = [START, transition("COMPLETE_INDEXING", event_id="2"), workflow("STARTED", event_id="3")]


def lines(*events: dict[str, Any] | bytes) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in events)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def checked(foldline: Commands, file: Path, *events: dict[str, Any] | bytes) -> Answer:
    file.write_bytes(lines(*events))
    return foldline("check", str(file))


def total(topics: dict[str, Any], verdict: str) -> Counter[str]:
    return sum((Counter(counts[verdict]) for counts in topics.values()), Counter())


def test_the_example_log_comes_to_what_is_expected_of_it(foldline: Commands) -> None:
    expected = json.loads((EXAMPLES / "expected.json").read_bytes())
    found: dict[str, Any] = {}
    for name, topic in (("transitions", "fsm.transitions.v1"), ("workflows", "workflow.executions.v1")):
        totals = foldline("check", "--json", str(EXAMPLES / f"{name}.jsonl")).document["totals"]
        assert list(totals["topics"]) == [topic]
        assert totals["topics"][topic] == expected[name] | {"undecodable": {}}
        assert totals["publish_stops_at"] is None
        found |= {name: totals}
    states = {(each["fsm_type"], each["state"]): each["entities"] for each in found["transitions"]["states"]}
    assert states == {(f, s): n for f, counts in expected["states"].items() for s, n in counts.items()}
    assert found["workflows"]["workflows"] == expected["statuses"]
    undecodable = foldline("check", "--json", str(EXAMPLES / "undecodable.jsonl")).document["totals"]
    assert total(undecodable["topics"], "undecodable") == {
        reason: count for reason, count in expected["undecodable"].items() if reason != "records"
    }
    assert undecodable["publish_stops_at"] == 1


def test_a_sound_file_ends_with_0_and_tells_each_hop(foldline: Commands, file: Path) -> None:
    answer = checked(foldline, file, *LEGAL, START)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "     1  applied      INGESTION doc-1  RECEIVED -> PROCESSING",
        "     2  applied      INGESTION doc-1  PROCESSING -> INDEXED",
        "     3  applied      workflow wf-1  STARTED, (new) -> RUNNING",
        "     4  duplicate    INGESTION doc-1  the same event as line 1, which was applied",
        "                     Nothing, if it is the same event. If it is another, give it an event_id of its own.",
        "",
        "4 lines: 3 applied, 1 duplicate, 0 rejected, 0 undecodable.",
        "INGESTION: 1 INDEXED",
        "Workflows: 1 RUNNING",
    ]


def test_a_line_that_is_not_applied_says_why_where_and_what_to_do(foldline: Commands, file: Path) -> None:
    answer = checked(foldline, file, START, b"", transition("REINDEX", event_id="2"), b'{"a":1}')
    assert answer.code == 1
    assert answer.out.splitlines()[1:] == [
        "     3  rejected     INGESTION doc-1  illegal_transition: REINDEX is not possible in PROCESSING",
        (
            "                     action: Possible in PROCESSING: COMPLETE_INDEXING -> INDEXED, FAIL -> FAILED."
            " REINDEX is possible in INDEXED."
        ),
        "     4  undecodable  invalid: correlation_id: required",
        (
            "                     fsm_type: Add it, for a transition event, or workflow_id:"
            " `foldline publish` refuses what has neither."
        ),
        "",
        "3 lines: 1 applied, 0 duplicate, 1 rejected, 1 undecodable.",
        "Not applied: 1 illegal_transition, 1 invalid.",
        "INGESTION: 1 PROCESSING",
    ]
    assert answer.err == (
        "foldline: 2 of 3 lines would become dead letters (1 rejected, 1 undecodable); `foldline publish` would stop at"
        " line 4. What to do about each stands with its line.\n"
    )


def test_quiet_tells_only_what_would_not_be_applied(foldline: Commands, file: Path) -> None:
    file.write_bytes(lines(START, START, transition("REINDEX", event_id="2")))
    told = foldline("check", "--quiet", str(file)).out.splitlines()
    assert [line.split()[:2] for line in told[:4:2]] == [["2", "duplicate"], ["3", "rejected"]]
    assert told[-3].startswith("3 lines: 1 applied,")
    quiet = foldline("check", "--quiet", "--json", str(file)).document
    assert [line["line"] for line in quiet["lines"]] == [2, 3]
    assert quiet["totals"] == foldline("check", "--json", str(file)).document["totals"]


def test_for_programs_a_line_has_every_field(foldline: Commands, file: Path) -> None:
    file.write_bytes(lines(START, transition("REINDEX"), workflow("STARTED", event_id="9")))
    applied, rejected, started = foldline("check", "--json", str(file)).document["lines"]
    assert applied == {
        "line": 1,
        "topic": "fsm.transitions.v1",
        "verdict": "applied",
        "fsm_type": "INGESTION",
        "entity_id": "doc-1",
        "workflow_id": None,
        "correlation_id": "c-1",
        "event_id": "1",
        "action": "START_PROCESSING",
        "met": "RECEIVED",
        "after": "PROCESSING",
        "machine_version": 1,
        "reason": None,
        "detail": None,
        "field": None,
        "remedy": None,
        "duplicate_of": None,
    }
    assert applied.keys() == rejected.keys() == started.keys()
    assert (rejected["reason"], rejected["field"], rejected["met"]) == ("illegal_transition", "action", "PROCESSING")
    assert rejected["event_id"].count("-") == 4, "the derived one"
    assert (started["workflow_id"], started["action"], started["after"]) == ("wf-1", "STARTED", "RUNNING")


def test_the_topics_are_those_that_publish_would_choose(foldline: Commands, file: Path) -> None:
    foldline.set(FOLDLINE_TRANSITION_TOPICS="t1,t2", FOLDLINE_WORKFLOW_TOPICS="w1")
    file.write_bytes(lines(*LEGAL, b"[]"))
    found = foldline("check", "--json", str(file)).document["lines"]
    assert [line["topic"] for line in found] == ["t1", "t1", "w1", "t1"]


def test_an_envelope_is_opened(foldline: Commands, file: Path) -> None:
    answer = checked(
        foldline,
        file,
        {"specversion": "1.0", "id": "1", "data": START},
        {"specversion": "1.0", "id": "2", "data": workflow("STARTED")},
        {"specversion": "1.0", "id": "3"},
    )
    assert [line.split()[1] for line in answer.out.splitlines()[:3]] == ["applied", "applied", "undecodable"]
    assert "data: Add it, the event, a JSON object." in answer.out


def test_machines_are_those_of_the_settings(foldline: Commands, file: Path) -> None:
    directory = file.parent / "machines"
    directory.mkdir()
    (directory / "review.yaml").write_text(REVIEW)
    event = transition("CLOSE", fsm_type="REVIEW")
    assert "Did you mean" not in checked(foldline, file, event).out
    foldline.set(FOLDLINE_MACHINES=str(directory), FOLDLINE_SHIPPED_MACHINES="off")
    assert "OPEN -> DONE" in checked(foldline, file, event).out
    assert "Known: REVIEW." in checked(foldline, file, transition("START_PROCESSING")).out


def test_a_machine_that_is_none_is_named_before_anything_is_judged(foldline: Commands, file: Path) -> None:
    foldline.set(FOLDLINE_MACHINES=str(file.parent / "nowhere"))
    answer = checked(foldline, file, START)
    assert (answer.code, answer.out) == (1, "")
    assert "FOLDLINE_MACHINES" in answer.err


def test_gzip_and_stdin_are_read_as_publish_reads_them(foldline: Commands, file: Path) -> None:
    packed = file.with_suffix(".gz")
    packed.write_bytes(gzip.compress(lines(*LEGAL)))
    assert foldline("check", str(packed)).out.count("applied") == 4
    done = subprocess.run(
        [sys.executable, "-m", "foldline", "check", "-"],
        input=gzip.compress(lines(*LEGAL)),
        env=foldline.environment,
        cwd=foldline.directory,
        check=True,
        capture_output=True,
    )
    assert done.stdout.count(b"applied") == 4
    assert done.stderr == b""


def test_lines_are_told_as_they_come(foldline: Commands) -> None:
    """Nothing waits for the end of the input: a file of any size streams."""
    with subprocess.Popen(
        [sys.executable, "-m", "foldline", "check", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=foldline.environment,
        cwd=foldline.directory,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for event in LEGAL:
            process.stdin.write(lines(event))
            process.stdin.flush()
            assert b"applied" in process.stdout.readline()
        process.stdin.close()
        assert b"3 lines: 3 applied" in process.stdout.read()


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_file_that_breaks_off_is_named_and_its_document_is_not_finished(
    foldline: Commands, file: Path, as_json: list[str]
) -> None:
    packed = file.with_suffix(".gz")
    packed.write_bytes(gzip.compress(lines(*LEGAL))[:-9])
    answer = foldline("check", *as_json, str(packed))
    assert answer.code == 1
    assert answer.err.startswith(f"foldline: {packed} is not sound gzip")
    assert "totals" not in answer.out


def test_what_could_steer_a_terminal_is_escaped(foldline: Commands, file: Path) -> None:
    evil = "\x1b[31mdoc"
    out = checked(foldline, file, START | {"entity_id": evil}, START | {"action": evil, "event_id": "2"}).out
    assert evil not in out
    assert out.count("\\x1b[31mdoc") == 2


def test_no_server_is_asked(foldline: Commands, file: Path) -> None:
    foldline.set(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert checked(foldline, file, *LEGAL).code == 0


def test_without_a_database_nothing_can_start_from_its_tables(foldline: Commands, file: Path) -> None:
    file.write_bytes(lines(*LEGAL))
    answer = foldline("check", "--from-tables", str(file))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("foldline: DATABASE_URL is not set")


def test_it_may_start_from_what_the_tables_hold(foldline: Commands, file: Path, projector: Projector) -> None:
    """The second half of the example log, on tables that hold the first, ends as it does in the whole."""
    foldline.set(DATABASE_URL=projector.database_url)
    for name, partition in (("transitions", TRANSITIONS), ("workflows", WORKFLOWS)):
        whole = EXAMPLES / f"{name}.jsonl"
        log = whole.read_bytes().splitlines(keepends=True)
        middle = len(log) // 2
        projector.project(*log[:middle], partition=partition)
        before = snapshot(projector.database_url)
        file.write_bytes(b"".join(log[middle:]))
        rest = foldline("check", "--json", "--from-tables", str(file)).document
        wanted = foldline("check", "--json", str(whole)).document
        assert [ended(line) for line in rest["lines"]] == [ended(line) for line in wanted["lines"][middle:]]
        assert rest["lines"] != wanted["lines"][middle:], "lines are numbered from 1"
        assert snapshot(projector.database_url) == before


def ended(line: dict[str, Any]) -> list[Any]:
    return [line[name] for name in ("verdict", "reason", "remedy", "met", "after", "event_id")]


def test_a_duplicate_of_what_the_tables_hold_says_so(foldline: Commands, file: Path, projector: Projector) -> None:
    foldline.set(DATABASE_URL=projector.database_url)
    projector.project(START)
    file.write_bytes(lines(START))
    assert "the same event as one that was judged before, which was applied" in (
        foldline("check", "--from-tables", str(file)).out
    )


def test_an_empty_file_is_sound(foldline: Commands, file: Path) -> None:
    answer = checked(foldline, file)
    assert (answer.code, answer.out.strip()) == (0, "0 lines: 0 applied, 0 duplicate, 0 rejected, 0 undecodable.")
    assert foldline("check", "--json", str(file)).document["lines"] == []


def test_a_file_that_is_not_there_leaves_no_half_a_document(foldline: Commands) -> None:
    refused = foldline("check", "--json", "missing.jsonl")
    assert (refused.code, refused.out) == (1, "")
    assert "missing.jsonl cannot be read" in refused.err
