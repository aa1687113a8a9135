"""`foldline status`: how far the projection is, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foldline.app import Place
from foldline.cli.here import here
from foldline.cli.operate.tally import Verdicts
from foldline.cli.output import AsJson, instant, json_out, line_out, listed, note, plain, table_out
from foldline.cli.shapes import prints
from foldline.core.batch import Partition
from foldline.errors import FoldlineError
from foldline.facts import VERDICTS
from foldline.kafka.log import LogReader
from foldline.postgres.reports import Position, Reports


@dataclass(frozen=True, slots=True)
class _Lag:
    """How many records each partition has beyond its position, None where it ends before; `problem`: none is known."""

    of: dict[Partition, int | None]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How far one partition is.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        lag: how many records it has beyond its position; null if that is not known, or if it ends before.
        position: where it stands; null if it was never claimed.
    """

    topic: str
    partition: int
    lag: int | None
    position: Position | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many entities are in one state.

    Attributes:
        fsm_type: the machine.
        state: the state.
        entities: how many entities.
    """

    fsm_type: str
    state: str
    entities: int


@dataclass(frozen=True, slots=True)
class DeadLetterCount:
    """How many open dead letters have one reason.

    Attributes:
        verdict: rejected or undecodable.
        reason: the reason.
        count: how many.
    """

    verdict: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the projection is, and what waits for somebody.

    Attributes:
        lag: the lag of all partitions together, of those whose lag is known; null if none is.
        lag_problem: why the lag is not known; null if it is.
        verdicts: all records that were ever judged, by verdict.
        partitions: every partition that is read or has a position.
        states: the entities by machine and state.
        workflows: how many workflows have which status.
        open_dead_letters: the open dead letters by reason.
    """

    lag: int | None
    lag_problem: str | None
    verdicts: Verdicts
    partitions: list[PartitionStatus]
    states: list[StateCount]
    workflows: dict[str, int]
    open_dead_letters: list[DeadLetterCount]


@prints(Progress)
def status(*, as_json: AsJson = False) -> None:
    """Print lag, verdicts, owners, stopped partitions, states and open dead letters."""
    place = here(database=True, kafka=True)
    reports = Reports(place.database_url)
    positions = {each.key: each for each in reports.positions()}
    lag = _lag(place, positions)
    states, workflows, letters = reports.states(), reports.workflow_statuses(), reports.open_dead_letters()
    partitions = sorted({*positions, *lag.of}, key=lambda partition: (partition.topic, partition.number))
    if as_json:
        json_out(
            Progress(
                None if lag.problem else sum(each or 0 for each in lag.of.values()),
                lag.problem,
                Verdicts(*(sum(getattr(held, verdict) for held in positions.values()) for verdict in VERDICTS)),
                [
                    PartitionStatus(each.topic, each.number, lag.of.get(each), positions.get(each))
                    for each in partitions
                ],
                [StateCount(*each) for each in states],
                dict(workflows),
                [DeadLetterCount(*each) for each in letters],
            )
        )
        return
    if lag.problem:
        note(f"The lag is not known: {lag.problem}")
    _show_partitions(partitions, positions, lag)
    for partition, held in positions.items():
        if held.stopped_reason:
            line_out(f"STOPPED {partition}: {plain(held.stopped_reason)}")
        elif held.group_id != place.settings.group_id:
            remedy = "Ours stand back: stop the workers of one of the two, then start ours anew."
            line_out(f"CLAIMED BY ANOTHER GROUP {partition}: {plain(held.group_id)}. {remedy}")
        elif not lag.problem and partition not in lag.of:
            line_out(f"GONE {partition}: Kafka no longer has it. Restore it; created anew it is another log.")
    line_out()
    show_states(states)
    line_out(f"Workflows: {listed(workflows)}")
    line_out(f"Open dead letters: {listed((reason, count) for _, reason, count in letters)}")


def show_states(states: Sequence[tuple[str, str, int]]) -> None:
    """Print for each machine how many entities are in which state."""
    for machine in dict.fromkeys(fsm_type for fsm_type, _, _ in states):
        line_out(f"{plain(machine)}: {listed((state, count) for each, state, count in states if each == machine)}")


def lag_now(
    log: LogReader, topics: Sequence[str], positions: Mapping[Partition, Position]
) -> dict[Partition, int | None]:
    """How many records each partition of these topics, and each that has a position, has beyond its position.

    None where the log ends before the position: it is not the one that the position was made with.

    Raises:
        LogError: the brokers cannot be reached.
    """
    partitions = log.partitions(dict.fromkeys([*topics, *(each.topic for each in positions)]))
    ends = log.stable_ends(partitions)
    beginnings = log.beginnings(partition for partition in partitions if partition not in positions)
    begins = {**beginnings, **{partition: position.next_offset for partition, position in positions.items()}}
    return {partition: end - begins[partition] if end >= begins[partition] else None for partition, end in ends.items()}


def _lag(place: Place, positions: Mapping[Partition, Position]) -> _Lag:
    try:
        return _Lag(lag_now(LogReader(place.kafka_properties), place.settings.topics, positions))
    except FoldlineError as error:
        return _Lag({}, str(error))


def _show_partitions(partitions: Sequence[Partition], positions: dict[Partition, Position], lag: _Lag) -> None:
    rows = []
    for partition in partitions:
        held = positions.get(partition)
        verdicts = [getattr(held, verdict, None) for verdict in VERDICTS]
        where = [held.next_offset, held.owner, instant(held.moved_at)] if held else [None, "never claimed", None]
        rows.append([str(partition), lag.of.get(partition), where[0], *verdicts, *where[1:]])
    table_out(["partition", "lag", "next offset", *VERDICTS, "last owner", "moved"], rows)
