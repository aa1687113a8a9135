"""Signals as a question that a loop can ask, in place of an exception in the midst of it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def draining() -> Iterator[Callable[[], bool]]:
    """Yield whether SIGTERM or SIGINT came; a SIGINT after that raises KeyboardInterrupt. From the main thread only."""
    asked = False

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    with _answered_by(ask, signal.SIGTERM, signal.SIGINT):
        yield lambda: asked


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does, so that what was begun is put in order first."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _answered_by(interrupt, signal.SIGTERM):
        yield


@contextmanager
def _answered_by(answer: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, answer) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
