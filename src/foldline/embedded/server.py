"""What the two embedded servers have in common: started, watched, stopped, killed and started again, by one owner."""

from __future__ import annotations

from abc import ABC, abstractmethod

from foldline.embedded.child import AddressTakenError, Child
from foldline.errors import EmbeddedError


class Server(ABC):
    """One server on one home. Start and stop it from the main thread only (see `Child`)."""

    name: str

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now, or ran last."""
        if self._child is None:
            raise EmbeddedError(f"{self.name} has not been started.")
        return self._child.pid

    def start(self) -> None:
        """Start it and return when it answers; once again, elsewhere, when a stranger took the port just before it."""
        try:
            self._start()
        except AddressTakenError:
            self._start()

    def check(self) -> None:
        """Raise EmbeddedError when it ended without being asked to by `stop`."""
        if self._child is not None:
            self._child.check()

    def stop(self) -> None:
        """End it cleanly; nothing when it does not run."""
        child, self._child = self._child, None
        if child is not None:
            child.stop()

    def kill(self) -> None:
        """SIGKILL: what a crash does. `check` reports it, `start` brings it back."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Stop it cleanly, then start it."""
        self.stop()
        self.start()

    def _start(self) -> None:
        self._child = self._spawn()
        self._await(self._child)

    @abstractmethod
    def _spawn(self) -> Child:
        """Clear what an earlier life left, choose ports, start the process."""

    @abstractmethod
    def _await(self, child: Child) -> None:
        """Return when the server answers."""
