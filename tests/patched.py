"""A log in memory whose broker, while the worker pauses, mends what a test has broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from foldline import facts
from foldline.pulse import EVERY_SECONDS
from harness import MemorySource, Projector, rows

_MOST_PAUSES = 100


@dataclass
class Patched(MemorySource):
    """Mends something at each of the worker's first pauses, in turn; what is to be mended later comes later."""

    mend: list[Callable[[], object]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def keep_alive(self, seconds: float, unless: Callable[[], bool]) -> None:
        super().keep_alive(seconds, unless)
        if seconds == EVERY_SECONDS:  # of a longer pause, whose end comes
            return
        self.pauses.append(seconds)
        assert len(self.pauses) < _MOST_PAUSES, "it was mended, and the worker does not go on"
        if self.mend:
            self.mend.pop(0)()


def nothing() -> None:
    """Leave it as it is for this once."""


def problems(projector: Projector) -> list[str]:
    """Why batches had to wait, in order."""
    return [fact.problem for fact in projector.heard(facts.BatchRetried) if fact.delay_seconds]


def wait_for_session(database_url: str, condition: str) -> int:
    """Wait until there is a session of this database like that in `pg_stat_activity`; returns its pid."""
    looked_for = (
        f"SELECT max(pid) FROM pg_stat_activity, pg_sleep(0.02) WHERE datname = current_database() AND {condition}"
    )
    for _ in range(1500):
        ((pid,),) = rows(database_url, looked_for)
        if pid is not None:
            return int(pid)
    raise AssertionError(f"no session came to be where {condition}")


WRITER = "application_name = 'foldline worker writer'"
READER = "application_name = 'foldline worker reader'"
WAITING = "wait_event_type = 'Lock'"
