"""What the facts that a worker announces say of it. Pure: a state, facts that change it, time as an argument.

One line serves all partitions of a worker: while it waits for a server, for whichever of them, it keeps all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from foldline import facts
from foldline.watch.standings import Tracked, track

_BROKER_HEARD_SECONDS = 90.0
"""While no broker can be reached the client says so once, and then twice a minute that one cannot."""

_LONGEST_TURN_SECONDS = 5.0
"""A turn that lasts longer waits for a server in its midst, and what is beyond is no partition's standstill."""

_UNANSWERED = "The group has not answered yet."
_LOST = "Partitions were lost, as when a session in the group runs out, and it has not answered since."

Custody = Literal["held", "waiting", "stopped"]


@dataclass(frozen=True, slots=True)
class _Away:
    problem: str
    heard_at: float


@dataclass(frozen=True, slots=True)
class State:
    """What the facts so far say of a worker. Times are those of a monotonic clock.

    Attributes:
        heard_at: when it announced anything.
        turned_at: when it last told where everything stands.
        outside: why it is not a member of its group; None: it is.
        held: the partitions that it projects.
        waiting: those that it has still to claim.
        stopped: those that wait for a person.
        problems: what keeps which partition.
        stopped_for: why which partition was stopped, and what to do about it.
        retried: what was last said of the batch that the line tries again until a server takes it; None: there is none.
        database_away: whether PostgreSQL is known not to answer.
        broker: that no broker can be reached; None: that is not known.
    """

    heard_at: float
    turned_at: float
    outside: str | None = _UNANSWERED
    held: Mapping[str, Tracked] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    stopped_for: Mapping[str, str] = field(default_factory=dict)
    retried: facts.BatchRetried | None = None
    database_away: bool = False
    broker: _Away | None = None

    def broker_problem(self, now: float) -> str | None:
        """Why no broker can be reached; None where one can, or nothing was heard of it for a while."""
        away = self.broker
        return None if away is None or now - away.heard_at > _BROKER_HEARD_SECONDS else away.problem

    def stuck_seconds(self, tracked: Tracked, now: float) -> float | None:
        """For how long a held partition has stood still without a known reason; None: it does not."""
        if tracked.stuck_since is None:
            return None
        return max(0.0, min(now, self.turned_at + _LONGEST_TURN_SECONDS) - tracked.stuck_since)


def heard(state: State, fact: facts.Fact, now: float) -> State:
    """The state after a fact; every fact is a sign of life."""
    state = replace(state, heard_at=now)
    match fact:
        case facts.LineTurned():
            return _turned(state, fact, now)
        case facts.PartitionsAssigned() | facts.PartitionClaimed():
            return _given(state, fact, now)
        case facts.PartitionReleased() | facts.PartitionLost() | facts.PartitionFenced() | facts.PartitionStopped():
            return _taken(state, fact)
        case facts.BatchApplied():
            return replace(_free(state, fact.partition), broker=None, database_away=False)
        case facts.BatchRetried():
            return _retried(state, fact)
        case facts.ClaimPostponed():
            state = _placed(state, fact.partition, "waiting")
            return replace(state, problems={**state.problems, fact.partition: fact.problem})
        case facts.DatabaseAway() | facts.DatabaseBack():
            return replace(state, database_away=isinstance(fact, facts.DatabaseAway))
        case facts.BrokerTrouble():
            return _in_trouble(state, fact, now)
        case _:
            return state


def _given(state: State, fact: facts.PartitionsAssigned | facts.PartitionClaimed, now: float) -> State:
    match fact:
        case facts.PartitionsAssigned():
            for partition in fact.partitions:
                state = _placed(state, partition, "waiting")
            return replace(state, outside=None, broker=None)
        case facts.PartitionClaimed():
            state = _placed(state, fact.partition, "held")
            new = Tracked(facts.Standing(fact.partition, fact.next_offset, None), now, None, None)
            return replace(state, held={**state.held, fact.partition: new}, broker=None)


def _taken(
    state: State, fact: facts.PartitionReleased | facts.PartitionLost | facts.PartitionFenced | facts.PartitionStopped
) -> State:
    match fact:
        case facts.PartitionReleased():
            return _placed(state, fact.partition, None)
        case facts.PartitionLost():
            return replace(_placed(state, fact.partition, None), outside=_LOST)
        case facts.PartitionFenced():
            return _placed(state, fact.partition, "waiting")
        case facts.PartitionStopped():
            why = f"{fact.problem} {fact.remedy}".rstrip()
            state = _placed(state, fact.partition, "stopped")
            return replace(state, stopped_for={**state.stopped_for, fact.partition: why})


def _in_trouble(state: State, fact: facts.BrokerTrouble, now: float) -> State:
    if fact.all_down:
        return replace(state, broker=_Away(fact.problem, now))
    return state if state.broker is None else replace(state, broker=replace(state.broker, heard_at=now))


def _turned(state: State, fact: facts.LineTurned, now: float) -> State:
    """Where everything stands, as the line tells it; what is not ours, or stands elsewhere, is kept by nothing more."""
    standing = {each.partition: each.next_offset for each in fact.held}
    for partition in state.problems:
        if partition not in standing and partition not in fact.waiting:
            state = _free(state, partition)
    tried = state.retried
    if tried is not None and standing.get(tried.partition) != tried.next_offset:
        state = _free(state, tried.partition)
    keeps_all = state.retried is not None or state.database_away or state.broker_problem(now) is not None
    return replace(
        state,
        turned_at=now,
        held=track(
            state.held,
            fact,
            hindered=lambda partition: keeps_all or partition in state.problems,
            waited=max(0.0, now - state.turned_at - _LONGEST_TURN_SECONDS),
            now=now,
        ),
        waiting=fact.waiting,
        stopped=fact.stopped,
        stopped_for={partition: why for partition, why in state.stopped_for.items() if partition in fact.stopped},
    )


def _retried(state: State, fact: facts.BatchRetried) -> State:
    """The line tries one batch at a time; one that is folded again waits for nobody."""
    if state.retried is not None:
        state = _free(state, state.retried.partition)
    if fact.cause == "stale":
        return _free(state, fact.partition)
    return replace(state, problems={**state.problems, fact.partition: fact.problem}, retried=fact)


def _placed(state: State, partition: str, custody: Custody | None) -> State:
    """It is in this custody alone, in none of ours if None, and nothing is known to keep it."""
    return replace(
        _free(state, partition),
        held={name: tracked for name, tracked in state.held.items() if name != partition or custody == "held"},
        waiting=_among(state.waiting, partition, belongs=custody == "waiting"),
        stopped=_among(state.stopped, partition, belongs=custody == "stopped"),
    )


def _among(names: tuple[str, ...], partition: str, *, belongs: bool) -> tuple[str, ...]:
    others = tuple(name for name in names if name != partition)
    return (*others, partition) if belongs else others


def _free(state: State, partition: str) -> State:
    if partition not in state.problems:
        return state
    problems = {name: why for name, why in state.problems.items() if name != partition}
    tried = state.retried
    return replace(state, problems=problems, retried=None if tried and tried.partition == partition else tried)
