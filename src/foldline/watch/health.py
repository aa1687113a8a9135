"""Whether a worker is well, by what its facts say of it (`condition.py`). Pure: time is an argument.

- *live*: the line gives signs of life. Where it does not, only a restart helps.
- *ready*: it is a member of its group, the database answers, and whatever the group gave it is claimed, or stopped.
- *progress*: it is live, and no held partition stands still although it has records left and nothing known keeps it.

Only what a restart may mend fails *live* and *progress*. Slow is not stuck: a position that moves is well, whatever its
lag. A partition that was stopped waits for a person, and one whose server is away waits for that server: both are told,
and a restart would help neither. So a database that is away for an hour ends *ready*, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from foldline import facts
from foldline.watch.condition import Custody, State, heard
from foldline.watch.standings import Tracked


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may give no sign of life, and a partition stand still. In seconds."""

    live: float
    progress: float


@dataclass(frozen=True, slots=True)
class Probe:
    """One of the three questions.

    Attributes:
        ok: whether it is as it should be.
        why: what is not; null if all is.
    """

    ok: bool
    why: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionHealth:
    """One partition that the group gave to this worker.

    Attributes:
        partition: which one.
        custody: held (being projected), waiting (still to be claimed) or stopped (waits for a person).
        next_offset: where it stands; null unless it is held.
        lag: how many offsets it has left; null if that is not known.
        stuck_seconds: for how long it has stood still although it has records left and nothing known keeps it; null if
            it does not.
        problem: what keeps it, or has stopped it and what to do about that; null if nothing does.
    """

    partition: str
    custody: Custody
    next_offset: int | None
    lag: int | None
    stuck_seconds: float | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How a worker is.

    Attributes:
        live: its line gives signs of life; if not, restart it.
        ready: it is a member of its group, the database answers, and whatever the group gave it is claimed or stopped.
        progress: it is live, and no partition stands still although it has records left and nothing known keeps it; if
            one does, restart the worker.
        partitions: what the group gave it.
    """

    live: Probe
    ready: Probe
    progress: Probe
    partitions: list[PartitionHealth]


def report(state: State, limits: Limits, *, database: str | None, now: float) -> HealthReport:
    """How the worker is. `database` is why the database does not answer; None: it does."""
    return HealthReport(
        _live(state, limits, now), _ready(state, database, now), _progress(state, limits, now), _partitions(state, now)
    )


def _live(state: State, limits: Limits, now: float) -> Probe:
    silent = now - state.heard_at
    if silent <= limits.live:
        return Probe(ok=True)
    return Probe(ok=False, why=f"The line has given no sign of life for {silent:.0f} s.")


def _ready(state: State, database: str | None, now: float) -> Probe:
    if state.outside is not None:
        return Probe(ok=False, why=state.broker_problem(now) or state.outside)
    if database is not None:
        return Probe(ok=False, why=database)
    for partition, problem in state.problems.items():
        return Probe(ok=False, why=f"{partition} waits: {problem}")
    if state.waiting:
        return Probe(ok=False, why=f"{state.waiting[0]} is not claimed yet.")
    away = state.broker_problem(now)
    return Probe(ok=True) if away is None else Probe(ok=False, why=f"Kafka does not answer: {away}")


def _progress(state: State, limits: Limits, now: float) -> Probe:
    live = _live(state, limits, now)
    if not live.ok:
        return live
    for partition, tracked in state.held.items():
        stuck = state.stuck_seconds(tracked, now)
        if stuck is not None and stuck > limits.progress:
            at, left = tracked.standing.next_offset, tracked.standing.lag
            return Probe(ok=False, why=f"{partition} has stood at {at} for {stuck:.0f} s, with {left} left.")
    return Probe(ok=True)


def _partitions(state: State, now: float) -> list[PartitionHealth]:
    def told(partition: str, custody: Custody, tracked: Tracked | None = None) -> PartitionHealth:
        problem = (state.stopped_for if custody == "stopped" else state.problems).get(partition)
        if tracked is None:
            return PartitionHealth(partition, custody, None, None, None, problem)
        stuck, standing = state.stuck_seconds(tracked, now), tracked.standing
        return PartitionHealth(partition, custody, standing.next_offset, standing.lag, stuck, problem)

    return [
        *(told(partition, "held", tracked) for partition, tracked in state.held.items()),
        *(told(partition, "waiting") for partition in state.waiting),
        *(told(partition, "stopped") for partition in state.stopped),
    ]


class Health:
    """Listens, and answers in any thread: the state is replaced as a whole, so that each look sees one moment.

    Args:
        limits: from when on a worker is not well.
        now: a monotonic clock in seconds.
    """

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._state = State(now(), now())

    def hear(self, fact: facts.Fact) -> None:
        """Take note."""
        self._state = heard(self._state, fact, self._now())

    @property
    def held(self) -> Mapping[str, Tracked]:
        """The partitions that are held."""
        return self._state.held

    def report(self, *, database: str | None) -> HealthReport:
        """How the worker is now. `database` is why the database does not answer; None: it does."""
        return report(self._state, self._limits, database=database, now=self._now())
