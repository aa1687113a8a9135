"""Files and directories into machines. Total: what is wrong with any of it is a `MachineFaults`, everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foldline.core.machine import Intent, Machine, State, Transition
from foldline.machines import rules, shape
from foldline.machines.document import documented
from foldline.machines.faults import Fault, MachineFaults, shown
from foldline.machines.outline import Named, outline
from foldline.machines.source import read
from foldline.resources import SHIPPED_MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from foldline.core.machine import Machines
    from foldline.machines.model import Definition

_SUFFIXES = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came of one file: a machine or faults, and in either case the type it names, if that can be read."""

    file: Path
    fsm_type: Named | None
    machine: Machine | None
    faults: tuple[Fault, ...]


def load_machines(directories: Sequence[Path], *, shipped: bool = True) -> Machines:
    """The machines of the `*.yaml` and `*.yml` files right in `directories`, and the shipped ones if wanted.

    A directory's machine replaces a shipped one of the same type; the same type in two of their files is a fault. A
    directory named twice counts once; hidden files are passed over. Raises MachineFaults with every fault of all of it.
    """
    faults: list[Fault] = []
    own: list[_Reading] = []
    for directory in {_identity(directory): directory for directory in directories}.values():
        own += _readings(directory, faults)
    delivered = _readings(SHIPPED_MACHINES, faults) if shipped else []
    faults += _second_definitions(own)
    faults += [fault for reading in [*own, *delivered] for fault in reading.faults]
    if faults:
        raise MachineFaults(faults)
    machines = [reading.machine for reading in [*delivered, *own] if reading.machine]
    return {machine.fsm_type: machine for machine in machines}


def load_file(path: Path) -> Machine:
    """The machine that one file defines. Raises MachineFaults with everything that is wrong with it."""
    reading = _reading(path)
    if reading.machine is None:
        raise MachineFaults(reading.faults)
    return reading.machine


def _readings(directory: Path, faults: list[Fault]) -> list[_Reading]:
    try:
        files = sorted(path for path in directory.iterdir() if _is_definition(path))
    except (OSError, ValueError) as error:
        remedy = "Correct FOLDLINE_MACHINES, or make the directory readable."
        faults.append(Fault(directory, None, f"not a readable directory: {_reason(error)}", remedy))
        return []
    return [_reading(path) for path in files]


def _identity(directory: Path) -> Path:
    try:
        return directory.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL; reading it says so
        return directory


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _is_definition(path: Path) -> bool:
    """Whether a directory's entry is meant to be read; a dangling link is, and then reported."""
    if path.suffix not in _SUFFIXES or path.name.startswith("."):
        return False
    return path.is_file() or (path.is_symlink() and not path.exists())


def _reading(path: Path) -> _Reading:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return _Reading(path, None, None, (Fault(path, line, "not UTF-8", "Save the file as UTF-8."),))
    except (OSError, ValueError) as error:
        fault = Fault(path, None, f"cannot be read: {_reason(error)}", "Make it a readable file, or remove it.")
        return _Reading(path, None, None, (fault,))
    source, faults = read(text, path)
    if source is None:
        return _Reading(path, None, None, tuple(faults))
    names = outline(source)
    definition, of_shape = shape.judge(source, path)
    faults += of_shape + rules.check(names, path)
    machine = None if faults or definition is None else _machine(definition)
    return _Reading(path, names.fsm_type, machine, tuple(faults))


def _second_definitions(readings: Iterable[_Reading]) -> Iterable[Fault]:
    first: dict[str, _Reading] = {}
    for reading in readings:
        if not reading.fsm_type:
            continue
        other = first.setdefault(reading.fsm_type.text, reading)
        if other is not reading:
            problem = f"{shown(reading.fsm_type.text)} is also defined in {other.file}"
            yield Fault(reading.file, reading.fsm_type.line, problem, "Keep one of the two files.")


def _machine(definition: Definition) -> Machine:
    """The machine that a well-formed definition says. Reordering entries without meaning gives an equal one."""
    machine = Machine(
        fsm_type=definition.fsm_type,
        version=definition.version,
        initial=definition.initial,
        states={
            name: State(name)
            if entry is None
            else State(name, _seconds(entry.timeout), entry.final, entry.error, tuple(sorted(entry.requires)))
            for name, entry in definition.states.items()
        },
        transitions={
            (state, entry.action): Transition(entry.to, entry.max)
            for entry in definition.transitions
            for state in entry.from_
        },
        intents=_intents(definition),
        lease_required=definition.lease is not None,
        corrections_refused=definition.corrections is not None,
    )
    return documented(machine)


def _seconds(timeout: int | None) -> float | None:
    return None if timeout is None else float(timeout)


def _intents(definition: Definition) -> tuple[Intent, ...]:
    """One intent for each thing asked for, however many entries ask for it; sorted, as their order has no meaning."""
    when: dict[tuple[str, str, str], list[str]] = {}
    for entry in definition.intents:
        operation_type = entry.operation_type if entry.type == "WORKFLOW_TRIGGER" else ""
        when.setdefault((entry.type, entry.target, operation_type), []).extend(entry.when)
    return tuple(
        Intent(tuple(sorted(states)), kind, target, operation_type or None)
        for (kind, target, operation_type), states in sorted(when.items())
    )
