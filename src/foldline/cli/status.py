"""`foldline status` and `foldline positions`: how far the projection is, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from foldline.app import Place
from foldline.cli.here import here
from foldline.cli.output import AsJson, instant, json_out, line_out, listed, note, plain, table_out
from foldline.core.batch import Partition
from foldline.errors import FoldlineError
from foldline.kafka.log import LogReader
from foldline.postgres.reports import Position, Reports

_VERDICTS = ("applied", "duplicate", "rejected", "undecodable")


@dataclass(frozen=True, slots=True)
class _Lag:
    """How many records each partition has beyond its position; `problem` says why nothing is known."""

    of: dict[Partition, int]
    problem: str | None = None


def status(*, as_json: AsJson = False) -> None:
    """Print lag, verdicts, owners, stopped partitions, states and open dead letters."""
    place = here(database=True, kafka=True)
    reports = Reports(place.database_url)
    positions = {Partition(each.topic, each.partition): each for each in reports.positions()}
    lag = _lag(place, positions)
    states, workflows, letters = reports.states(), reports.workflow_statuses(), reports.open_dead_letters()
    partitions = sorted({*positions, *lag.of}, key=lambda partition: (partition.topic, partition.number))
    if as_json:
        json_out(
            {
                "lag": None if lag.problem else sum(lag.of.values()),
                "lag_problem": lag.problem,
                "verdicts": {verdict: _sum(positions.values(), verdict) for verdict in _VERDICTS},
                "partitions": [_partition_json(each, positions.get(each), lag.of.get(each)) for each in partitions],
                "states": [{"fsm_type": f, "state": s, "entities": count} for f, s, count in states],
                "workflows": dict(workflows),
                "open_dead_letters": [{"verdict": v, "reason": r, "count": count} for v, r, count in letters],
            }
        )
        return
    if lag.problem:
        note(f"The lag is not known: {lag.problem}")
    _show_partitions(partitions, positions, lag)
    for partition, held in positions.items():
        if held.stopped_reason:
            line_out(f"STOPPED {partition}: {plain(held.stopped_reason)}")
    line_out()
    show_states(states)
    line_out(f"Workflows: {listed(workflows)}")
    line_out(f"Open dead letters: {listed((reason, count) for _, reason, count in letters)}")


def positions(*, as_json: AsJson = False) -> None:
    """Print where each partition stands and who claimed it last."""
    found = Reports(here(database=True).database_url).positions()
    if as_json:
        json_out(found)
        return
    table_out(
        ["partition", "next offset", "begun at", "epoch", "group", "owner", "claimed", "moved", "stopped"],
        [
            [
                f"{each.topic}[{each.partition}]",
                each.next_offset,
                each.begun_at,
                each.epoch,
                each.group_id,
                each.owner,
                each.claimed_at,
                instant(each.moved_at),
                each.stopped_reason or "",
            ]
            for each in found
        ],
    )


def show_states(states: Sequence[tuple[str, str, int]]) -> None:
    """Print for each machine how many entities are in which state."""
    for machine in dict.fromkeys(fsm_type for fsm_type, _, _ in states):
        line_out(f"{plain(machine)}: {listed((state, count) for each, state, count in states if each == machine)}")


def lag_now(log: LogReader, topics: Sequence[str], positions: Mapping[Partition, Position]) -> dict[Partition, int]:
    """How many records each partition of these topics, and each that has a position, has beyond its position.

    Raises:
        LogError: the brokers cannot be reached.
    """
    partitions = log.partitions(dict.fromkeys([*topics, *(each.topic for each in positions)]))
    ends = log.stable_ends(partitions)
    beginnings = log.beginnings(partition for partition in partitions if partition not in positions)
    return {
        partition: end - (positions[partition].next_offset if partition in positions else beginnings[partition])
        for partition, end in ends.items()
    }


def _lag(place: Place, positions: Mapping[Partition, Position]) -> _Lag:
    try:
        return _Lag(lag_now(LogReader(place.kafka_properties), place.settings.topics, positions))
    except FoldlineError as error:
        return _Lag({}, str(error))


def _show_partitions(partitions: Sequence[Partition], positions: dict[Partition, Position], lag: _Lag) -> None:
    rows = []
    for partition in partitions:
        held = positions.get(partition)
        verdicts = [getattr(held, verdict, None) for verdict in _VERDICTS]
        where = [held.next_offset, held.owner, instant(held.moved_at)] if held else [None, "never claimed", None]
        rows.append([str(partition), lag.of.get(partition), where[0], *verdicts, *where[1:]])
    table_out(["partition", "lag", "next offset", *_VERDICTS, "last owner", "moved"], rows)


def _partition_json(partition: Partition, held: Position | None, lag: int | None) -> dict[str, object]:
    known = asdict(held) if held is not None else {"topic": partition.topic, "partition": partition.number}
    return {**known, "lag": lag}


def _sum(positions: object, verdict: str) -> int:
    return sum(getattr(each, verdict) for each in positions)  # type: ignore[attr-defined]
