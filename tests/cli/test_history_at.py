"""`foldline history --at`: what an entity was at a time or after a record, and when nobody can know."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Commands
from foldline.core.batch import Partition
from harness import TRANSITIONS, Projector, rows, transition

EXAMPLES = Path(__file__).parents[2] / "examples"
DOC = ("history", "INGESTION", "doc-0007")

AT_FAILED = """\
History of INGESTION doc-0007 until 2026-01-05T08:10:00.000Z
2026-01-05 UTC
  08:04:18.267  RECEIVED -> PROCESSING  START_PROCESSING                     fsm.transitions.v1 0 0
  08:06:24.450  in PROCESSING           COMPLETE_INDEXING  after 2 min 6 s   fsm.transitions.v1 0 1
                FAILED ATTEMPT: embedding service answered 503 after 3 attempts
  08:08:41.099  PROCESSING -> FAILED    FAIL               after 4 min 23 s  fsm.transitions.v1 0 2
                embedding service is down, giving up
Then in FAILED for 1 min 19 s, since 2026-01-05T08:08:41.099Z, by fsm.transitions.v1 0 2
"""


@pytest.fixture
def reading(foldline: Commands, projector: Projector) -> Commands:
    """Commands that read what the projector projects: doc-0007 of the example, to begin with."""
    lines = (EXAMPLES / "transitions.jsonl").read_bytes().splitlines()
    projector.project(*(line for line in lines if b'"doc-0007"' in line))
    foldline.set(DATABASE_URL=projector.database_url)
    return foldline


def test_what_it_was_by_event_time_with_the_rows_up_to_then(reading: Commands) -> None:
    assert reading(*DOC, "--at", "2026-01-05T08:10:00Z").out == AT_FAILED
    stuck = reading(*DOC, "--at", "2026-01-05T10:18:00+01:00").out  # 09:18 in UTC
    assert "Then in INDEXED (final) for 59 min 6 s, since 2026-01-05T08:18:53.683Z" in stuck
    assert "Then in INDEXED (final)" in reading(*DOC, "--at", "2026-01-05T10:18:06.736387Z").out
    assert "Then in PROCESSING for 0 ms" in reading(*DOC, "--at", "2026-01-05T10:18:06.736388Z").out
    before = reading(*DOC, "--at", "2026-01-05T08:00:00Z")
    assert before.code == 0
    assert before.out.splitlines()[1:] == ["Then without a state: nothing had been applied"]


def test_what_it_was_once_a_record_was_judged(reading: Commands) -> None:
    told = reading(*DOC, "--at", "4", "--json").json  # a rejected one: nothing moved
    assert (told["state"], told["known"], told["time"], told["seconds"]) == ("FAILED", True, None, None)
    assert told["record"] == {"topic": TRANSITIONS.topic, "partition": 0, "offset": 4}
    assert [row["record_offset"] for row in told["history"]] == [0, 1, 2, 4]
    assert told["by"] == told["history"][2]["id"]
    named = reading(*DOC, "--at", f"{TRANSITIONS.topic}:2", "--partition", "0").out.splitlines()
    assert named[0] == "History of INGESTION doc-0007 up to fsm.transitions.v1 0 2"
    assert named[-1] == "Then in FAILED since 2026-01-05T08:08:41.099Z, by fsm.transitions.v1 0 2"


def test_a_change_by_hand_counts_from_the_record_that_it_came_after(reading: Commands, projector: Projector) -> None:
    rows(
        projector.database_url,
        "UPDATE fsm_state SET current_state = 'FAILED', transition_timestamp = '2026-01-06T00:00:00Z'",
    )
    projector.project(
        transition("RETRY", event_id="x", entity_id="doc-0007", occurred_at="2026-01-07T00:00:00Z"), start=9
    )
    assert reading(*DOC, "--at", "7", "--json").json["state"] == "PROCESSING"
    assert reading(*DOC, "--at", "8").out.splitlines()[-1].endswith("since 2026-01-06T00:00:00.000Z, by hand, with SQL")
    by_time = reading(*DOC, "--at", "2026-01-06T12:00:00Z", "--json").json
    assert (by_time["state"], by_time["seconds"]) == ("FAILED", 12 * 3600.0)


def test_of_records_on_several_partitions_one_has_to_be_named(reading: Commands, projector: Projector) -> None:
    elsewhere = Partition(TRANSITIONS.topic, 3)
    again = transition("REINDEX", event_id="y", entity_id="doc-0007", occurred_at="2026-01-07T00:00:00Z")
    projector.project(again, partition=elsewhere)
    unclear = reading(*DOC, "--at", "0")
    assert unclear.code == 2
    assert "lie on fsm.transitions.v1[0], fsm.transitions.v1[3]. Name one: with --partition" in unclear.err
    assert reading(*DOC, "--at", "0", "--partition", "3", "--json").json["state"] == "PROCESSING"
    assert reading(*DOC, "--at", "6", "--partition", "0", "--json").json["state"] == "INDEXED"
    nowhere = reading(*DOC, "--at", "0", "--partition", "2")
    assert (nowhere.code, nowhere.out) == (1, "")
    assert "No record of INGESTION doc-0007 lies there, but on" in nowhere.err


def test_what_a_clean_up_may_have_removed_is_not_guessed(reading: Commands, projector: Projector) -> None:
    rows(projector.database_url, "SELECT cleanup_old_fsm_history(0)")
    gone = reading(*DOC, "--at", "2026-01-05T08:10:00Z", "--json")
    assert gone.code == 1
    assert (gone.document["known"], gone.document["state"]) == (False, None)
    assert "cannot be known: clean-ups have removed history from before 20" in gone.err
    assert reading(*DOC, "--at", "2199-01-01T00:00:00Z", "--json").json["state"] == "INDEXED"
    assert "names a record" in reading(*DOC, "--at", "3").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--at", "yesterday"], "--at yesterday is neither a time nor an offset."),
        (["--at", "2026-01-05"], "is neither a time nor an offset."),
        (["--at", "2026-01-05T08:10:00Z", "--partition", "0"], "A time is the same on every partition."),
        (["--partition", "0"], "--partition says where the offset of --at lies."),
    ],
    ids=str,
)
def test_what_is_no_moment_is_bad_usage(reading: Commands, words: list[str], says: str) -> None:
    answer = reading(*DOC, *words)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err


def test_a_record_that_is_not_judged_yet_says_where_its_partition_stands(reading: Commands) -> None:
    answer = reading(*DOC, "--at", "9")
    assert (answer.code, answer.out) == (1, "")
    assert "fsm.transitions.v1[0] stands at 9: the record at 9 is not judged yet." in answer.err
