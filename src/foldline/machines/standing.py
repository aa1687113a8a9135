"""The loaded machines beside those that judge now: what a worker with them would do, or why it would be refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from foldline.core.versions import Changed, Older, conflict_of
from foldline.machines.difference import Change, changes_between
from foldline.machines.document import restored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from foldline.core.batch import Partition
    from foldline.core.machine import Machine, Machines
    from foldline.core.versions import Conflict


class Standing(StrEnum):
    """What the next batch of a worker with these machines does about one of them."""

    SAME = "same"
    ACTIVATED = "activated"
    WITHDRAWN = "withdrawn"
    NEVER_ACTIVE = "never_active"
    REFUSED_CHANGED = "refused_changed"
    REFUSED_OLDER = "refused_older"


@dataclass(frozen=True, slots=True)
class RecordedMachine:
    """One version that has judged: its digest and its document as the database has it."""

    digest: str
    document: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What the loaded machine says unlike one recorded version of it."""

    version: int
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class MachineStanding:
    """One machine. `loaded` is its version, None where it is not loaded.

    `active`: which version judges each partition, None where one was withdrawn; `conflict`: why a worker is refused.
    """

    fsm_type: str
    standing: Standing
    loaded: int | None
    active: Mapping[Partition, int | None]
    conflict: Conflict | None
    differences: list[Difference]


def standings(
    loaded: Machines,
    recorded: Mapping[tuple[str, int], RecordedMachine],
    active: Mapping[str, Mapping[Partition, int | None]],
) -> list[MachineStanding]:
    """Every machine that is loaded or judges somewhere, by name.

    Raises:
        MachineError: what a newer release has recorded, and is to be compared, cannot be read.
    """
    judging = [name for name, versions in active.items() if any(version is not None for version in versions.values())]
    return [_standing(name, loaded.get(name), recorded, active.get(name, {})) for name in sorted({*loaded, *judging})]


def _standing(
    fsm_type: str,
    machine: Machine | None,
    recorded: Mapping[tuple[str, int], RecordedMachine],
    active: Mapping[Partition, int | None],
) -> MachineStanding:
    if machine is None:
        return MachineStanding(fsm_type, Standing.WITHDRAWN, None, active, None, [])
    conflict = conflict_of(machine, {key: each.digest for key, each in recorded.items()})
    match conflict:
        case None:
            standing = _without_conflict(machine, active)
            against = sorted({version for version in active.values() if version not in (None, machine.version)})
        case Changed():
            standing, against = Standing.REFUSED_CHANGED, [conflict.against]
        case Older():
            standing, against = Standing.REFUSED_OLDER, [conflict.against]
    differences = _differences(machine, against, recorded)
    return MachineStanding(fsm_type, standing, machine.version, active, conflict, differences)


def _without_conflict(machine: Machine, active: Mapping[Partition, int | None]) -> Standing:
    if all(version is None for version in active.values()):
        return Standing.NEVER_ACTIVE if not active else Standing.ACTIVATED
    return Standing.SAME if set(active.values()) == {machine.version} else Standing.ACTIVATED


def _differences(
    machine: Machine, against: Sequence[int | None], recorded: Mapping[tuple[str, int], RecordedMachine]
) -> list[Difference]:
    return [
        Difference(version, changes_between(restored(recorded[machine.fsm_type, version].document), machine))
        for version in against
        if version is not None
    ]
