"""Points of the turn: each is told from exactly one of the product's statements, as psycopg sends it."""

from __future__ import annotations

import re
import struct

import pytest

from foldline.postgres.queries import names, query
from foldline.postgres.stage import COPY_STAGE
from torture.points import MARKS, Conversation, Point, point_of
from torture.wire import Message

STATEMENTS = {name: query(name) for name in names()} | {"COPY": COPY_STAGE}
EXPECTED = {
    Point.CLAIM: {"claim"},
    Point.ROWS: {"load_entities", "load_workflows"},
    Point.LEDGER: {"known_identities"},
    Point.RESERVE: {"reserve_history_ids", "reserve_timeline_ids"},
    Point.COPY: {"COPY"},
    Point.FENCE: {"move_position"},
    Point.IDENTITIES: {"add_identities"},
    Point.ENTITIES: {"upsert_entities"},
    Point.WORKFLOWS: {"upsert_workflows"},
    Point.TIMELINE: {"add_timeline"},
    Point.DEAD_LETTERS: {"add_dead_letters"},
}


def sent(name: str) -> str:
    """A statement with its parameters numbered, as psycopg numbers them."""
    numbers: dict[str, int] = {}
    return re.sub(
        r"%\((\w+)\)[bs]", lambda found: f"${numbers.setdefault(found[1], len(numbers) + 1)}", STATEMENTS[name]
    )


@pytest.mark.parametrize("point", MARKS)
def test_a_point_is_told_from_its_own_statements_and_from_no_other(point: Point) -> None:
    assert {name for name in STATEMENTS if point_of(sent(name)) is point} == EXPECTED[point]


def fence(*, duplicates: int, others: int) -> list[Point]:
    """What a conversation hears of a batch with so many duplicates, and so many of every other verdict."""
    sql = sent("move_position")
    order = re.findall(r"%\((\w+)\)s", STATEMENTS["move_position"])
    values: dict[str, bytes] = dict.fromkeys(dict.fromkeys(order), b"0")
    values |= {name: struct.pack("!h", others) for name in ("applied", "rejected", "undecodable")}
    values["duplicate"] = struct.pack("!h", duplicates)
    formats = [int(len(value) > 1) for value in values.values()]
    body = b"\0s1\0" + struct.pack(f"!H{len(formats)}HH", len(formats), *formats, len(formats))
    body += b"".join(struct.pack("!i", len(value)) + value for value in values.values())
    talk = Conversation()
    assert talk.client(Message(b"P", f"s1\0{sql}\0\0\0".encode(), b"")) == []
    assert talk.client(Message(b"B", body, b"")) == []
    return talk.client(Message(b"E", b"\0\0\0\0\0", b""))


def test_a_fence_of_nothing_but_repeats_is_told_by_its_counts() -> None:
    assert fence(duplicates=3, others=0) == [Point.FENCE, Point.REPEATS]
    assert fence(duplicates=3, others=1) == [Point.FENCE]
    assert fence(duplicates=0, others=0) == [Point.FENCE]


def test_the_transaction_around_it() -> None:
    talk = Conversation()
    assert talk.client(Message(b"Q", b"BEGIN\0", b"")) == [Point.BEGIN]
    assert talk.client(Message(b"Q", COPY_STAGE.encode() + b"\0", b"")) == [Point.COPY]
    assert talk.client(Message(b"d", b"1\tx\n", b"")) == []
    assert talk.client(Message(b"c", b"", b"")) == [Point.COPY_END]
    assert talk.client(Message(b"Q", b"COMMIT\0", b"")) == [Point.COMMIT]
    assert talk.server(Message(b"C", b"COMMIT\0", b"")) == [Point.COMMITTED]
    assert talk.server(Message(b"C", b"ROLLBACK\0", b"")) == []


def test_the_answer_to_a_claim_is_the_next_one_after_it() -> None:
    talk = Conversation()
    assert talk.server(Message(b"C", b"SELECT 1\0", b"")) == []
    assert talk.client(Message(b"Q", sent("claim").encode() + b"\0", b"")) == [Point.CLAIM]
    assert talk.server(Message(b"C", b"INSERT 0 1\0", b"")) == [Point.CLAIMED]
    assert talk.server(Message(b"C", b"SELECT 1\0", b"")) == []


def test_who_serves_a_connection_is_known() -> None:
    talk = Conversation()
    talk.server(Message(b"K", struct.pack("!II", 4711, 1), b""))
    assert talk.backend == 4711
