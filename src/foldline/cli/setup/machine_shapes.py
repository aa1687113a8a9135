"""What `foldline machines` prints for programs."""

from __future__ import annotations

from dataclasses import dataclass

from foldline.core.machine import Machine
from foldline.machines import Finding, Loaded


@dataclass(frozen=True, slots=True)
class RetryBound:
    """An action that is counted as a retry.

    Attributes:
        action: the action.
        max: how many retries are allowed.
    """

    action: str
    max: int


@dataclass(frozen=True, slots=True)
class LoadedMachine:
    """One machine as it is loaded.

    Attributes:
        fsm_type: its name.
        version: its version.
        digest: what its content comes to; the same version always has the same.
        file: the file that defines it.
        shipped: whether it is one of foldline's own.
        replaces_shipped: whether it stands in place of a shipped one.
        states: how many states it has.
        transitions: how many transitions it has, one for each state that an action leads from.
        initial: its initial state.
        final: its final states.
        retries: the actions that are counted as retries.
        lease_required: whether every event needs a lease.
        corrections_refused: whether corrections are refused.
    """

    fsm_type: str
    version: int
    digest: str
    file: str
    shipped: bool
    replaces_shipped: bool
    states: int
    transitions: int
    initial: str
    final: list[str]
    retries: list[RetryBound]
    lease_required: bool
    corrections_refused: bool


@dataclass(frozen=True, slots=True)
class MachineFinding:
    """What is to be said of a definition.

    Attributes:
        file: the file, or the directory.
        line: the line; null where the whole of it is meant.
        problem: what it is.
        remedy: what to do about it.
    """

    file: str
    line: int | None
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class MachineCheck:
    """What `foldline machines check` found; the exit code is 1 if there is a fault.

    Attributes:
        machines: the machines without a fault.
        faults: what makes a definition no machine.
        remarks: what is legal, and yet hardly meant.
    """

    machines: list[LoadedMachine]
    faults: list[MachineFinding]
    remarks: list[MachineFinding]


def machine_json(each: Loaded) -> LoadedMachine:
    """One machine for programs."""
    machine = each.machine
    return LoadedMachine(
        fsm_type=machine.fsm_type,
        version=machine.version,
        digest=machine.digest,
        file=str(each.file),
        shipped=each.shipped,
        replaces_shipped=each.replaces,
        states=len(machine.states),
        transitions=len(machine.transitions),
        initial=machine.initial,
        final=final_states(machine),
        retries=[RetryBound(action, most) for action, most in retry_bounds(machine)],
        lease_required=machine.lease_required,
        corrections_refused=machine.corrections_refused,
    )


def finding_json(finding: Finding) -> MachineFinding:
    """One finding for programs."""
    return MachineFinding(str(finding.file), finding.line, finding.problem, finding.remedy)


def final_states(machine: Machine) -> list[str]:
    """The names of the final states."""
    return [state.name for state in machine.states.values() if state.final]


def retry_bounds(machine: Machine) -> list[tuple[str, int]]:
    """The actions that are counted as retries, each with its bound."""
    bounds = {(action, each.max): each.max for (_, action), each in machine.transitions.items()}
    return [(action, most) for (action, _), most in bounds.items() if most is not None]
