"""Whether a worker is well, by the facts that it announces. Pure: a state, facts that change it, time as an argument.

- *live*: the line gives signs of life. Where it does not, only a restart helps.
- *ready*: it is a member of its group, the database answers, and whatever the group gave it is claimed, or stopped.
- *progress*: it is live, and no held partition stands still although it has records left and nothing known keeps it.

Only what a restart may mend fails *live* and *progress*. Slow is not stuck: a position that moves is well, whatever its
lag. A partition that was stopped waits for a person, and one whose server is away waits for that server: both are told,
and a restart would help neither. So a database that is away for an hour ends *ready*, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from foldline import facts
from foldline.watch.standings import Tracked, track

_BROKER_HEARD_SECONDS = 90.0
"""While no broker can be reached the client says so once, and then twice a minute that one cannot."""

Custody = Literal["held", "waiting", "stopped"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may give no sign of life, and a partition stand still. In seconds."""

    live: float
    progress: float


@dataclass(frozen=True, slots=True)
class _Away:
    problem: str
    heard_at: float


@dataclass(frozen=True, slots=True)
class State:
    """What the facts so far say of a worker. Times are those of a monotonic clock."""

    heard_at: float
    joined: bool = False
    held: Mapping[str, Tracked] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    stopped_for: Mapping[str, str] = field(default_factory=dict)
    broker: _Away | None = None

    def broker_problem(self, now: float) -> str | None:
        """Why no broker can be reached; None where one can, or nothing was heard of it for a while."""
        away = self.broker
        return None if away is None or now - away.heard_at > _BROKER_HEARD_SECONDS else away.problem


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
        problem: what keeps it or has stopped it; null if nothing does.
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


def heard(state: State, fact: facts.Fact, now: float) -> State:
    """The state after a fact; every fact is a sign of life."""
    state = replace(state, heard_at=now)
    match fact:
        case facts.LineTurned():
            ours = {*(each.partition for each in fact.held), *fact.waiting, *fact.stopped}
            problems = {partition: why for partition, why in state.problems.items() if partition in ours}
            stopped_for = {partition: why for partition, why in state.stopped_for.items() if partition in fact.stopped}
            held = track(state.held, fact, hindered=lambda partition: _hindered(state, partition, now), now=now)
            return replace(
                state,
                held=held,
                waiting=fact.waiting,
                stopped=fact.stopped,
                problems=problems,
                stopped_for=stopped_for,
            )
        case facts.PartitionsAssigned():
            return replace(state, joined=True, broker=None)
        case facts.BatchRetried(cause="unavailable") | facts.ClaimPostponed():
            return replace(state, problems={**state.problems, fact.partition: fact.problem})
        case facts.PartitionStopped():
            stopped_for = {**state.stopped_for, fact.partition: fact.problem}
            return replace(_free(state, fact.partition), stopped_for=stopped_for)
        case facts.PartitionReleased():
            return _free(state, fact.partition)
        case facts.PartitionClaimed() | facts.BatchApplied():
            return replace(_free(state, fact.partition), broker=None)
        case facts.BrokerTrouble(all_down=True):
            return replace(state, broker=_Away(fact.problem, now))
        case facts.BrokerTrouble() if state.broker is not None:
            return replace(state, broker=replace(state.broker, heard_at=now))
        case _:
            return state


def report(state: State, limits: Limits, *, database: str | None, now: float) -> HealthReport:
    """How the worker is. `database` is why the database does not answer; None: it does."""
    return HealthReport(
        _live(state, limits, now), _ready(state, database, now), _progress(state, limits, now), _partitions(state, now)
    )


def _hindered(state: State, partition: str, now: float) -> bool:
    return partition in state.problems or state.broker_problem(now) is not None


def _free(state: State, partition: str) -> State:
    if partition not in state.problems:
        return state
    return replace(state, problems={name: why for name, why in state.problems.items() if name != partition})


def _live(state: State, limits: Limits, now: float) -> Probe:
    silent = now - state.heard_at
    if silent <= limits.live:
        return Probe(ok=True)
    return Probe(ok=False, why=f"The line has given no sign of life for {silent:.0f} s.")


def _ready(state: State, database: str | None, now: float) -> Probe:
    if not state.joined:
        return Probe(ok=False, why=state.broker_problem(now) or "The group has not answered yet.")
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
        since = tracked.stuck_since
        if since is not None and now - since > limits.progress:
            at, left = tracked.standing.next_offset, tracked.standing.lag
            return Probe(ok=False, why=f"{partition} has stood at {at} for {now - since:.0f} s, with {left} left.")
    return Probe(ok=True)


def _partitions(state: State, now: float) -> list[PartitionHealth]:
    def told(partition: str, custody: Custody, tracked: Tracked | None = None) -> PartitionHealth:
        problem = (state.stopped_for if custody == "stopped" else state.problems).get(partition)
        if tracked is None:
            return PartitionHealth(partition, custody, None, None, None, problem)
        stuck = None if tracked.stuck_since is None else now - tracked.stuck_since
        standing = tracked.standing
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
        self._state = State(now())

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
