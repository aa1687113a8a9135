"""Whether a machine may judge after others of its type have: versions only grow, and each says the same for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foldline.core.machine import Machine

Recorded = Mapping[tuple[str, int], str]
"""The digest of every version that has ever judged, by `fsm_type` and version."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The version has judged already, and said something else then."""

    machine: Machine

    @property
    def against(self) -> int:
        """The version that it conflicts with."""
        return self.machine.version

    @property
    def problem(self) -> str:
        """What is wrong, as a sentence."""
        return f"{self.machine.fsm_type} version {self.against} is not what it was when it judged events."

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return "Raise its version with every change."


@dataclass(frozen=True, slots=True)
class Older:
    """A newer version has judged already."""

    machine: Machine
    against: int

    @property
    def problem(self) -> str:
        """What is wrong, as a sentence."""
        return (
            f"{self.machine.fsm_type} version {self.machine.version} is older than {self.against},"
            " which has judged events."
        )

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return "Run the newer definition, or publish this one under a higher version."


Conflict = Changed | Older


def conflict_of(machine: Machine, recorded: Recorded) -> Conflict | None:
    """Why `machine` may not judge any more; None if it may."""
    digest = recorded.get((machine.fsm_type, machine.version))
    if digest is not None and digest != machine.digest:
        return Changed(machine)
    newest = max((version for fsm_type, version in recorded if fsm_type == machine.fsm_type), default=0)
    return Older(machine, newest) if newest > machine.version else None
