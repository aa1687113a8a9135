"""A question to a server that may be slow or away, for askers who must not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")


class Lookup(Generic[_Answer]):
    """Asks in a thread of its own, one question at a time, and keeps the answer for a while. Any thread may ask.

    Args:
        ask: asks the server; must not raise, and must come back some time.
        unanswered: what is said while there is no answer.
        every: for how long an answer holds, in seconds.
        patience: how long an asker waits for a new one, in seconds.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self,
        ask: Callable[[], _Answer],
        unanswered: _Answer,
        *,
        every: float,
        patience: float,
        now: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._unanswered = unanswered
        self._every = every
        self._patience = patience
        self._now = now
        self._lock = Lock()
        self._answer: tuple[float, _Answer] | None = None
        self._asking: Event | None = None

    def answer(self) -> _Answer:
        """The last answer if it still holds, else a new one; `unanswered` if that does not come in time."""
        with self._lock:
            if self._answer is not None and self._now() - self._answer[0] < self._every:
                return self._answer[1]
            if self._asking is None:
                self._asking = Event()
                Thread(target=self._look, args=(self._asking,), name="foldline-lookup", daemon=True).start()
            asking = self._asking
        if not asking.wait(self._patience) or self._answer is None:
            return self._unanswered
        return self._answer[1]

    def _look(self, asking: Event) -> None:
        try:
            answer = self._ask()
            self._answer = (self._now(), answer)
        finally:
            with self._lock:
                self._asking = None
            asking.set()
