"""Proxies between workers and PostgreSQL: they pass everything on, up to the point where a trap is set.

All run in one thread with an event loop of its own; whoever sets traps runs in another.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from torture.points import Conversation, Point
from torture.wire import Cutter, FramingError, Message

_CHUNK = 1 << 16
_HOST = "127.0.0.1"
_DELAY_SECONDS = 1.0


class Blow(StrEnum):
    """What happens at a point."""

    KILL = "kill"
    FREEZE = "freeze"
    SWALLOW = "swallow"
    TERMINATE = "terminate"
    DELAY = "delay"


@dataclass(slots=True)
class Trap:
    """Springs once, when the point is passed for the `after`-th time from now on; `caught` is whom it was laid for."""

    point: Point
    blow: Blow
    after: int = 1
    caught: Proxy | None = None
    sprung: threading.Event = field(default_factory=threading.Event)


class _Cut(Exception):  # noqa: N818 - ends one connection; never leaves this module
    pass


class Proxy:
    """One worker's way to PostgreSQL. `strike` sends a signal to that worker."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.passed: Counter[Point] = Counter()
        self.strike: Callable[[signal.Signals], None] = lambda _signal: None
        self._target_port = target_port
        self._trap: Trap | None = None
        self._thawed = threading.Event()
        self._thawed.set()

    def set(self, trap: Trap | None) -> None:
        """Lay this trap in place of the one before; None takes it away. One trap may be laid for several workers."""
        self._trap = trap

    def thaw(self) -> None:
        """The worker goes on: what it sent before it was frozen may pass."""
        self._thawed.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte until either end hangs up."""
        talk = Conversation()
        try:
            with suppress(OSError):
                to_reader, to_writer = await asyncio.open_connection(_HOST, self._target_port)
                try:
                    await _first_done(
                        self._pass(reader, to_writer, Cutter(opening=True), talk.client, talk),
                        self._pass(to_reader, writer, Cutter(opening=False), talk.server, talk),
                    )
                finally:
                    to_writer.transport.abort()
        finally:
            writer.transport.abort()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cutter: Cutter,
        points: Callable[[Message], list[Point]],
        talk: Conversation,
    ) -> None:
        with suppress(OSError, FramingError, _Cut):
            while octets := await reader.read(_CHUNK):
                ready = bytearray()
                for message in cutter.feed(octets):
                    for point in points(message):
                        self.passed[point] += 1
                        if (trap := self._springs(point)) is not None:
                            writer.write(ready)
                            await writer.drain()
                            ready.clear()
                            await self._blow(trap, talk)
                    ready += message.raw
                writer.write(ready)
                await writer.drain()

    def _springs(self, point: Point) -> Trap | None:
        trap = self._trap
        if trap is None or trap.point is not point or trap.caught is not None:
            return None
        trap.after -= 1
        if trap.after > 0:
            return None
        trap.caught = self
        return trap

    async def _blow(self, trap: Trap, talk: Conversation) -> None:
        match trap.blow:
            case Blow.KILL:
                self.strike(signal.SIGKILL)
            case Blow.FREEZE:
                self._thawed.clear()
                self.strike(signal.SIGSTOP)
            case Blow.TERMINATE:
                if talk.backend is not None:
                    os.kill(talk.backend, signal.SIGTERM)
            case Blow.SWALLOW | Blow.DELAY:
                pass
            case _:
                assert_never(trap.blow)
        trap.sprung.set()
        match trap.blow:
            case Blow.KILL | Blow.SWALLOW:
                raise _Cut
            case Blow.FREEZE:
                await asyncio.to_thread(self._thawed.wait)
            case Blow.DELAY:
                await asyncio.sleep(_DELAY_SECONDS)
            case Blow.TERMINATE:
                await asyncio.sleep(0)
            case _:
                assert_never(trap.blow)


async def _first_done(*ways: Coroutine[None, None, None]) -> None:
    """Run both directions; when one ends, the other has nobody to talk to."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Switchboard:
    """Where proxies are opened."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._proxies: list[Proxy] = []
        self._servers: list[asyncio.Server] = []

    def proxy(self, target_port: int) -> Proxy:
        """A proxy to this port, listening on a free one."""
        proxy = Proxy(target_port)

        async def listen() -> None:
            server = await asyncio.start_server(proxy.serve, _HOST, 0)
            self._servers.append(server)
            proxy.port = server.sockets[0].getsockname()[1]

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result()
        self._proxies.append(proxy)
        return proxy

    def close(self) -> None:
        """Let nothing wait any more, and hang up."""
        for proxy in self._proxies:
            proxy.set(None)
            proxy.thaw()
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(timeout=10)

    async def _hang_up(self) -> None:
        for server in self._servers:
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()


@contextmanager
def switchboard() -> Iterator[Switchboard]:
    """A thread that proxies live in until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies", daemon=True)
    thread.start()
    board = Switchboard(loop)
    try:
        yield board
    finally:
        board.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
