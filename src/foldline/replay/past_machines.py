"""Which machine version judged which record, as the workers recorded it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from foldline.core.batch import Partition
from foldline.core.machine import Machine
from foldline.errors import MachineError
from foldline.replay.cut import Activation, Cut

Reign = tuple[int, Machine | None]
"""From this offset on this machine judges; None: from here on there is none."""

_NONE: tuple[Reign, ...] = ()


class PastMachines:
    """The machines in force, by partition and offset.

    Args:
        cut: the activations that the tables hold.
        definitions: every machine that they name, by name and version.
        partitions: those that are read, in the order of their numbers.
    """

    def __init__(
        self, cut: Cut, definitions: Mapping[tuple[str, int], Machine], partitions: Iterable[Partition]
    ) -> None:
        incarnations = {standing.partition: standing.incarnation for standing in cut.standings}
        self._reigns = [
            _reigns(
                (a for a in cut.activations if a.partition == p and a.incarnation == incarnations.get(p)), definitions
            )
            for p in partitions
        ]

    def of(self, source: int, fsm_type: str) -> tuple[Reign, ...]:
        """Who has judged the records of this type in a partition, in the order of offsets."""
        return self._reigns[source].get(fsm_type, _NONE)

    def at(self, source: int, fsm_type: str, offset: int) -> Machine | None:
        """Who judged, or would have judged, the record at an offset."""
        reigns = self.of(source, fsm_type)
        if len(reigns) == 1:  # nearly always, and quicker
            ((since, machine),) = reigns
            return machine if offset >= since else None
        index = bisect_right(reigns, offset, key=lambda reign: reign[0])
        return reigns[index - 1][1] if index else None


def recorded(cut: Cut, restored: Callable[[str], Machine]) -> dict[tuple[str, int], Machine]:
    """Every machine version that is recorded.

    Raises:
        MachineError: one cannot be read, or one that has judged is not recorded any more.
    """
    found = {}
    for (fsm_type, version), kept in cut.definitions.items():
        try:
            found[fsm_type, version] = restored(kept.document)
        except MachineError as error:
            raise MachineError(f"{fsm_type} version {version}: {error.problem}", remedy=error.remedy) from None
    for each in cut.activations:
        if each.version is not None and (each.fsm_type, each.version) not in found:
            raise MachineError(
                f"{each.fsm_type} version {each.version} has judged {each.partition}, and is not recorded any more.",
                remedy="Restore its row of foldline_machine_versions from a backup.",
            )
    return found


def _reigns(
    activations: Iterable[Activation], definitions: Mapping[tuple[str, int], Machine]
) -> dict[str, tuple[Reign, ...]]:
    found: dict[str, list[Reign]] = defaultdict(list)
    for each in activations:
        machine = None if each.version is None else definitions[each.fsm_type, each.version]
        found[each.fsm_type].append((each.from_offset, machine))
    return {fsm_type: tuple(sorted(reigns, key=lambda reign: reign[0])) for fsm_type, reigns in found.items()}
