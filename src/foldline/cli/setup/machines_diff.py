"""`foldline machines diff`: the loaded definitions beside those that judge in the database now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from foldline.app import machines_of
from foldline.cli.here import here
from foldline.cli.output import AsJson, counted, json_out, line_out, plain
from foldline.cli.shapes import prints
from foldline.core.batch import Partition
from foldline.errors import MachineError
from foldline.machines.difference import Change, Kind
from foldline.machines.standing import MachineStanding, RecordedMachine, Standing, standings
from foldline.postgres.reports import Reports

_SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}


@dataclass(frozen=True, slots=True)
class ActiveMachine:
    """Which version of a machine judges one partition now.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        version: the version; null where the machine was withdrawn.
    """

    topic: str
    partition: int
    version: int | None


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """What the loaded machine says unlike a version that is recorded.

    Attributes:
        version: that version.
        changes: what changed since then.
    """

    version: int
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class MachineDifference:
    """One machine that is loaded or judges somewhere.

    Attributes:
        fsm_type: its name.
        standing: same; activated (the loaded version takes over with a partition's next batch); withdrawn (it is not
            loaded); never_active; refused_changed (the same version said something else); refused_older.
        loaded_version: the version that is loaded; null if none is.
        active: every partition that it judges or judged, and the version there.
        problem: why a worker would be refused; null if it would not.
        remedy: what to do about that; null likewise.
        differences: what changed since each version that it would follow, or conflicts with.
    """

    fsm_type: str
    standing: Standing
    loaded_version: int | None
    active: list[ActiveMachine]
    problem: str | None
    remedy: str | None
    differences: list[VersionDifference]


@dataclass(frozen=True, slots=True)
class MachinesDiff:
    """The loaded machines beside those that judge now; the exit code is 1 if a worker would be refused.

    Attributes:
        would_run: whether a worker with these machines would run.
        machines: every machine that is loaded or judges somewhere, by name.
    """

    would_run: bool
    machines: list[MachineDifference]


@prints(MachinesDiff)
def diff(*, as_json: AsJson = False) -> None:
    """Compare the loaded machines with those that judge now; exits 1 if a worker with these would be refused."""
    place = here(database=True)
    loaded = machines_of(place.settings)
    reports = Reports(place.database_url)
    active: dict[str, dict[Partition, int | None]] = {}
    for topic, number, fsm_type, version in reports.machines_now():
        active.setdefault(fsm_type, {})[Partition(topic, number)] = version
    recorded = {
        (fsm_type, version): RecordedMachine(digest, document)
        for fsm_type, version, digest, document in reports.recorded_machines()
    }
    found = standings(loaded, recorded, active)
    conflicts = [each.conflict for each in found if each.conflict is not None]
    if as_json:
        json_out(MachinesDiff(not conflicts, [_json(each) for each in found]))
    else:
        _show(found)
    if len(conflicts) == 1:
        raise MachineError(f"A worker would be refused: {conflicts[0].problem}", remedy=conflicts[0].remedy)
    if conflicts:
        problem = f"A worker would be refused for {counted(len(conflicts), 'machine')}: {conflicts[0].problem}"
        raise MachineError(problem, remedy=conflicts[0].remedy)


def _json(each: MachineStanding) -> MachineDifference:
    return MachineDifference(
        each.fsm_type,
        each.standing,
        each.loaded,
        [ActiveMachine(partition.topic, partition.number, version) for partition, version in each.active.items()],
        each.conflict.problem if each.conflict else None,
        each.conflict.remedy if each.conflict else None,
        [VersionDifference(difference.version, difference.changes) for difference in each.differences],
    )


def _show(found: list[MachineStanding]) -> None:
    for each in found:
        line_out(plain(f"{each.fsm_type}: {_words(each)}"), style="bold red" if each.conflict else "bold")
        for line in (*_judging(each), *_changes(each)):
            line_out(plain(f"  {line}"))
    if not found:
        line_out("No machine is loaded, and none judges.")
    elif not any(each.conflict for each in found):
        line_out("A worker with these would run.")


def _words(each: MachineStanding) -> str:
    match each.standing:
        case Standing.SAME:
            return f"version {each.loaded}, as it judges now"
        case Standing.ACTIVATED:
            places = sum(version != each.loaded for version in each.active.values())
            return f"version {each.loaded} takes over with the next batch of {counted(places, 'partition')}"
        case Standing.WITHDRAWN:
            return "not loaded: it would be withdrawn, and its events rejected as unknown_fsm"
        case Standing.NEVER_ACTIVE:
            return f"version {each.loaded} has never judged: it does from the next batch of each partition on"
        case Standing.REFUSED_CHANGED:
            return f"REFUSED: version {each.loaded} said something else when it judged events"
        case Standing.REFUSED_OLDER:
            return f"REFUSED: version {each.loaded} is older than one that has judged events"
        case _:
            assert_never(each.standing)


def _judging(each: MachineStanding) -> Iterator[str]:
    """Which version judges which partitions; several while a new one is being deployed."""
    versions = dict.fromkeys(sorted(each.active.values(), key=lambda version: version or 0))
    for version in versions:
        places = ", ".join(str(partition) for partition, active in each.active.items() if active == version)
        yield f"withdrawn from {places}" if version is None else f"version {version} judges {places}"


def _changes(each: MachineStanding) -> Iterator[str]:
    for difference in each.differences:
        yield (
            f"changed since version {difference.version}:"
            if difference.changes
            else (f"says what version {difference.version} says")
        )
        yield from (f"  {_change(change)}" for change in difference.changes)


def _change(change: Change) -> str:
    said = {
        Kind.ADDED: f"{change.after}",
        Kind.REMOVED: f"{change.before}",
        Kind.CHANGED: f"{change.before} -> {change.after}",
    }[change.kind]
    return f"{_SIGNS[change.kind]} {change.what} {change.name}: {said}"
