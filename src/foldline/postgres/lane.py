"""A lane: one connection to PostgreSQL and the thread that works on it, so that whoever waits can stop waiting.

A server that hangs (a stopped backend, a disk that does not answer) keeps to no time-out of its own, and its kernel
goes on acknowledging packets for it. So work is handed over to a lane and waited for elsewhere. Who has waited enough
cancels it, which PostgreSQL rolls back; if that is not answered either, who waits cuts the lane off and goes on with a
new one. What a cut transaction may still do is decided where it always is: by the epoch and the position.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

import psycopg

Connection = psycopg.Connection[Any]
_Result = TypeVar("_Result")
_Errand = Callable[[], None]


class Lane:
    """Does what it is given in turn. The connection is made when first needed, and again after work that failed."""

    def __init__(self, name: str, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._wire: socket.socket | None = None
        self._is_cut = threading.Event()
        self._errands: SimpleQueue[_Errand | None] = SimpleQueue()
        self._last: Future[Any] | None = None
        # A daemon: one that hangs in the resolver of host names must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"foldline {name}", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the backend that it is connected to."""
        connection = self._connection
        return None if connection is None or connection.closed else connection.info.backend_pid

    @property
    def is_free(self) -> bool:
        """Whether everything that was given is done."""
        return self._last is None or self._last.done()

    def start(self, work: Callable[[Connection], _Result]) -> Future[_Result]:
        """Work on the connection after everything that was given before. Work that raises costs the connection."""
        given: Future[_Result] = Future()

        def errand() -> None:
            try:
                given.set_result(work(self._opened()))
            except BaseException as error:  # noqa: BLE001 - whoever waits for it hears of it, whatever it is
                self._close()
                given.set_exception(error)

        self._last = given
        self._errands.put(errand)
        return given

    def renew(self) -> None:
        """Connect afresh for what is given from now on."""
        self._errands.put(self._close)

    def cancel(self, within: float) -> None:
        """Ask PostgreSQL to give up what it is at."""
        connection = self._connection
        if connection is not None:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=within)

    def end(self, within: float) -> None:
        """Close the connection when everything that was given is done; cut it off if that takes longer."""
        self._errands.put(None)
        self._thread.join(within)
        if self._thread.is_alive():
            self.cut()

    def cut(self) -> None:
        """End it in the midst of what it is at. Its thread ends by itself, and its connection with it."""
        self._is_cut.set()
        wire = self._wire
        if wire is not None:
            with suppress(OSError):  # the other side was quicker
                wire.shutdown(socket.SHUT_RDWR)
        self._errands.put(None)

    def _run(self) -> None:
        while (errand := self._errands.get()) is not None:
            errand()
        self._close()

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = self._connect()
            # Our own handle on its socket: the number of psycopg's may be another socket's by the time of a cut.
            self._wire = socket.socket(fileno=os.dup(self._connection.fileno()))
        if self._is_cut.is_set():
            raise psycopg.OperationalError("the lane was cut off")
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        wire, self._wire = self._wire, None
        if connection is not None:
            connection.close()
        if wire is not None:
            wire.close()
