"""One child process: started in its own session, signalled by the kernel when we die, ended as it likes to be ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foldline.errors import EmbeddedError

_LAUNCH = Path(__file__).with_name("launch.py")
_READY_WITHIN = 60.0
_STOPPED_WITHIN = 30.0
_POLL = 0.02
_LAST_WORDS_BYTES = 8192


class AddressTakenError(EmbeddedError):
    """Somebody took the port between our test of it and the child's own bind."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account a child runs as."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run and how. `stop_signal` asks it to end cleanly; it also gets it when this process dies (Linux)."""

    name: str
    words: Sequence[str | Path]
    log: Path
    stop_signal: signal.Signals
    environment: Mapping[str, str]
    directory: Path
    account: Account | None = None


class Child:
    """A started `Command`. Only the main thread may start one: the kernel's signal comes when the *thread* ends."""

    def __init__(self, command: Command) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{command.name} must be started from the main thread")
        self._command = command
        descriptor = os.open(command.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._log_start = os.fstat(descriptor).st_size
            words = (command.stop_signal.value, os.getpid(), command.account or "-", *command.words)
            self._process = subprocess.Popen(  # noqa: S603  # our own words, no shell
                [sys.executable, "-I", "-S", _LAUNCH, *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(command.environment),
                cwd=command.directory,
                start_new_session=True,  # Ctrl-C reaches only us: we stop the children in our order
            )
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int:
        """Of the program itself: the launcher became it."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], *, within: float = _READY_WITHIN) -> None:
        """Return once `ready()` holds.

        Raises:
            AddressTakenError: The child ended because its port was taken.
            EmbeddedError: It ended otherwise, or is not ready in time.
        """
        deadline = time.monotonic() + within
        while not ready():
            if self._ended(within=_POLL):
                raise self._failure(f"{self._command.name} ended with code {self._process.returncode} at its start")
            if time.monotonic() > deadline:
                raise self._failure(f"{self._command.name} was not ready within {within:.0f} s")

    def finish(self, *, within: float = _READY_WITHIN) -> None:
        """Wait for a program that ends by itself; anything but code 0 is an EmbeddedError."""
        try:
            if not self._ended(within=within):
                raise self._failure(f"{self._command.name} did not end within {within:.0f} s")
        finally:
            self.kill()
        if self._process.returncode != 0:
            raise self._failure(f"{self._command.name} ended with code {self._process.returncode}")

    def check(self) -> None:
        """Raise EmbeddedError when the child has ended."""
        if self._process.poll() is not None:
            raise self._failure(f"{self._command.name} ended by itself with code {self._process.returncode}")

    def stop(self) -> None:
        """End it cleanly; by force when that takes too long."""
        if self._process.poll() is None:
            self._process.send_signal(self._command.stop_signal)
            self._ended(within=_STOPPED_WITHIN)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, as a fault test or a last resort."""
        self._process.kill()
        self._process.wait()

    def _ended(self, *, within: float) -> bool:
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _failure(self, problem: str) -> EmbeddedError:
        words = self._last_words()
        kind = AddressTakenError if any("Address already in use" in line for line in words) else EmbeddedError
        told = f": {words[-1]}" if words else ""
        return kind(f"{problem}{told}.", remedy=f"Its log is {self._command.log}.")

    def _last_words(self) -> list[str]:
        with self._command.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _LAST_WORDS_BYTES))
            text = log.read().decode("utf-8", "replace")
        return [line.strip().rstrip(".") for line in text.splitlines() if line.strip()]
