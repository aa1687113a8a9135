"""A proxy passes everything on; at a point everything ahead of it passes, and nothing behind it does."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

from torture.points import Point
from torture.proxy import Blow, Proxy, Switchboard, Trap, switchboard

STARTUP = struct.pack("!IHH", 8, 3, 0)
_PATIENCE_SECONDS = 10


def simple(sql: str) -> bytes:
    return b"Q" + struct.pack("!I", len(sql) + 5) + sql.encode() + b"\0"


BEGIN, COMMIT = simple("BEGIN"), simple("COMMIT")
COMMITTED = b"C" + struct.pack("!I", 11) + b"COMMIT\0"


class Ends:
    """A worker's end and PostgreSQL's end of one connection, with a proxy between them, and the signals it sent."""

    def __init__(self, board: Switchboard) -> None:
        self.signals: list[signal.Signals] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_PATIENCE_SECONDS)
        self.proxy: Proxy = board.proxy(self._listener.getsockname()[1])
        self.proxy.strike = self.signals.append
        self.worker = socket.create_connection(("127.0.0.1", self.proxy.port), _PATIENCE_SECONDS)
        self.server, _ = self._listener.accept()
        self.server.settimeout(_PATIENCE_SECONDS)

    def lay(self, point: Point, blow: Blow, *, after: int = 1) -> Trap:
        trap = Trap(point, blow, after)
        self.proxy.set(trap)
        return trap

    def close(self) -> None:
        for end in (self.worker, self.server, self._listener):
            end.close()


@pytest.fixture
def board() -> Iterator[Switchboard]:
    with switchboard() as board:
        yield board


@pytest.fixture
def ends(board: Switchboard) -> Iterator[Ends]:
    ends = Ends(board)
    yield ends
    ends.close()


def received(end: socket.socket, length: int) -> bytes:
    """So many bytes, or what comes before the other end hangs up."""
    found = b""
    with suppress(ConnectionResetError):
        while len(found) < length and (octets := end.recv(length - len(found))):
            found += octets
    return found


def hung_up(end: socket.socket) -> bool:
    try:
        return end.recv(1) == b""
    except ConnectionResetError:
        return True


def test_without_a_trap_everything_passes_both_ways(ends: Ends) -> None:
    said = STARTUP + BEGIN + COMMIT
    ends.worker.sendall(said)
    assert received(ends.server, len(said)) == said
    ends.server.sendall(COMMITTED)
    assert received(ends.worker, len(COMMITTED)) == COMMITTED
    assert ends.proxy.passed == {Point.BEGIN: 1, Point.COMMIT: 1, Point.COMMITTED: 1}


def test_what_is_swallowed_does_not_arrive_and_both_ends_are_cut(ends: Ends) -> None:
    trap = ends.lay(Point.COMMIT, Blow.SWALLOW)
    ends.worker.sendall(STARTUP + BEGIN + COMMIT)
    assert received(ends.server, 1 << 10) == STARTUP + BEGIN
    assert hung_up(ends.worker)
    assert trap.sprung.is_set()


def test_the_answer_to_commit_can_be_swallowed_alone(ends: Ends) -> None:
    ends.lay(Point.COMMITTED, Blow.SWALLOW)
    ends.worker.sendall(STARTUP + COMMIT)
    assert received(ends.server, len(STARTUP + COMMIT)) == STARTUP + COMMIT
    ends.server.sendall(COMMITTED)
    assert hung_up(ends.worker)


def test_whoever_is_killed_says_no_more(ends: Ends) -> None:
    ends.lay(Point.COMMIT, Blow.KILL)
    ends.worker.sendall(STARTUP + BEGIN + COMMIT)
    assert received(ends.server, 1 << 10) == STARTUP + BEGIN
    assert ends.signals == [signal.SIGKILL]


def test_what_a_frozen_worker_had_sent_passes_when_it_is_thawed(ends: Ends) -> None:
    trap = ends.lay(Point.COMMIT, Blow.FREEZE)
    ends.worker.sendall(STARTUP + BEGIN + COMMIT)
    assert received(ends.server, len(STARTUP + BEGIN)) == STARTUP + BEGIN
    assert trap.sprung.wait(_PATIENCE_SECONDS)
    ends.server.setblocking(False)  # noqa: FBT003 - its only parameter
    with pytest.raises(BlockingIOError):
        ends.server.recv(1)
    ends.server.settimeout(_PATIENCE_SECONDS)
    ends.proxy.thaw()
    assert received(ends.server, len(COMMIT)) == COMMIT
    assert ends.signals == [signal.SIGSTOP]


def test_a_trap_waits_for_the_time_that_it_was_set_for_and_springs_once(ends: Ends) -> None:
    ends.lay(Point.BEGIN, Blow.SWALLOW, after=2)
    ends.worker.sendall(STARTUP + BEGIN + COMMIT + BEGIN)
    assert received(ends.server, 1 << 10) == STARTUP + BEGIN + COMMIT


def test_of_several_workers_one_is_caught(board: Switchboard) -> None:
    first, second = Ends(board), Ends(board)
    trap = first.lay(Point.BEGIN, Blow.KILL)
    second.proxy.set(trap)
    second.worker.sendall(STARTUP + BEGIN)
    assert hung_up(second.worker)
    first.worker.sendall(STARTUP + BEGIN)
    assert received(first.server, len(STARTUP + BEGIN)) == STARTUP + BEGIN
    assert (trap.caught, first.signals, second.signals) == (second.proxy, [], [signal.SIGKILL])
    first.close()
    second.close()
