"""Points of a worker's turn, told by what passes between it and PostgreSQL: so the product needs no hook for them.

A point is a message that is about to pass: everything ahead of it has passed, nothing behind it has.
"""

from __future__ import annotations

from enum import StrEnum

from torture import wire
from torture.wire import Bound, Message


class Point(StrEnum):
    """What is about to pass."""

    CLAIM = "claim"
    CLAIMED = "answer to the claim"
    ROWS = "reading of rows"
    LEDGER = "reading of the ledger"
    RESERVE = "reserving of ids"
    BEGIN = "BEGIN"
    COPY = "COPY"
    COPY_END = "end of COPY"
    FENCE = "fence"
    REPEATS = "fence of repeats alone"
    IDENTITIES = "identities"
    ENTITIES = "entities"
    WORKFLOWS = "workflows"
    TIMELINE = "timeline"
    DEAD_LETTERS = "dead letters"
    COMMIT = "COMMIT"
    COMMITTED = "answer to COMMIT"


MARKS = {
    Point.CLAIM: "INSERT INTO foldline_positions",
    Point.ROWS: "CROSS JOIN LATERAL",
    Point.LEDGER: "FROM foldline_identities\n WHERE digest",
    Point.RESERVE: "AS reserved",
    Point.COPY: "COPY pg_temp.fsm_stage",
    Point.FENCE: "SET next_offset",
    Point.IDENTITIES: "INSERT INTO foldline_identities",
    Point.ENTITIES: "INSERT INTO fsm_state ",
    Point.WORKFLOWS: "INSERT INTO workflow_executions AS held",
    Point.TIMELINE: "foldline_add_timeline(",
    Point.DEAD_LETTERS: "INSERT INTO foldline_dead_letters",
}
"""What stands in the one statement that is this point, and in no other."""
_WORDS = {"BEGIN": Point.BEGIN, "COMMIT": Point.COMMIT}
_COUNTS = ("applied", "rejected", "undecodable")


def point_of(sql: str) -> Point | None:
    """The point that running this statement is, None if it is none."""
    word = _WORDS.get(sql.strip().upper())
    return word or next((point for point, mark in MARKS.items() if mark in sql), None)


class Conversation:
    """Follows one connection: which statement has which name, what each portal runs, and whose answer comes next."""

    def __init__(self) -> None:
        self._statements: dict[str, str] = {}
        self._portals: dict[str, tuple[str, Bound | None]] = {}
        self._claiming = False
        self.backend: int | None = None

    def client(self, message: Message) -> list[Point]:
        """The points that this message of the worker is."""
        match message.kind:
            case b"P":
                name, sql = wire.parsed(message)
                self._statements[name] = sql
            case b"B":
                bound = wire.bound(message)
                self._portals[bound.portal] = (self._statements.get(bound.statement, ""), bound)
            case b"E":
                return self._running(*self._portals.get(wire.executed(message), ("", None)))
            case b"Q":
                return self._running(wire.queried(message), None)
            case b"c":
                return [Point.COPY_END]
            case _:
                pass
        return []

    def server(self, message: Message) -> list[Point]:
        """The points that this message of PostgreSQL is."""
        match message.kind:
            case b"K":
                self.backend = wire.backend_pid(message)
            case b"C" if wire.queried(message) == "COMMIT":
                return [Point.COMMITTED]
            case b"C" if self._claiming:
                self._claiming = False
                return [Point.CLAIMED]
            case _:
                pass
        return []

    def _running(self, sql: str, bound: Bound | None) -> list[Point]:
        point = point_of(sql)
        if point is Point.CLAIM:
            self._claiming = True
        if point is Point.FENCE and bound is not None and _brings_nothing(sql, bound):
            return [point, Point.REPEATS]
        return [point] if point is not None else []


def _brings_nothing(sql: str, bound: Bound) -> bool:
    """Whether a fence counts duplicates and nothing else: such a batch writes no row that could collide."""
    return bound.number(_index(sql, "duplicate")) > 0 and not any(bound.number(_index(sql, name)) for name in _COUNTS)


def _index(sql: str, column: str) -> int:
    """Which parameter is added to this column."""
    return int(sql.partition(f"= {column} + $")[2].split(",", 1)[0]) - 1
