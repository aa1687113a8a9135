"""One file into a machine. Total: what is wrong with it becomes faults, all of them; what is doubtful, remarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foldline.core.machine import Intent, Machine, State, Transition
from foldline.machines import remarks, rules, shape
from foldline.machines.document import documented
from foldline.machines.faults import Fault, Remark
from foldline.machines.outline import Named, outline
from foldline.machines.source import read

if TYPE_CHECKING:
    from pathlib import Path

    from foldline.machines.model import Definition


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one file: a machine or faults, and in either case the type it names, if that can be read."""

    file: Path
    fsm_type: Named | None
    machine: Machine | None
    faults: tuple[Fault, ...]
    remarks: tuple[Remark, ...] = ()


def read_file(path: Path) -> Reading:
    """The machine that one file defines, or everything that is wrong with it."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Reading(path, None, None, (Fault(path, line, "not UTF-8", "Save the file as UTF-8."),))
    except (OSError, ValueError) as error:
        fault = Fault(path, None, f"cannot be read: {reason(error)}", "Make it a readable file, or remove it.")
        return Reading(path, None, None, (fault,))
    source, faults = read(text, path)
    if source is None:
        return Reading(path, None, None, tuple(faults))
    names = outline(source)
    definition, of_shape = shape.judge(source, path)
    faults += of_shape + rules.check(names, path)
    if faults or definition is None:
        return Reading(path, names.fsm_type, None, tuple(faults))
    machine = _machine(definition)
    return Reading(path, names.fsm_type, machine, (), tuple(remarks.of(machine, names, path)))


def reason(error: Exception) -> str:
    """Why a file or directory could not be read, without its name."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


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
