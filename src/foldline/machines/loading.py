"""Files and directories into machines. Total: what is wrong with any of it is found, everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foldline.core.machine import Machine
from foldline.machines.faults import Fault, MachineFaults, Remark, ordered, shown
from foldline.machines.reading import Reading, read_file, reason
from foldline.resources import SHIPPED_MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from foldline.core.machine import Machines

_SUFFIXES = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A machine and where it comes from. `replaces`: it stands in the place of a shipped one of the same type."""

    machine: Machine
    file: Path
    shipped: bool
    replaces: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """What files and directories hold: the well-formed machines, by type, and everything that was found about them."""

    loaded: tuple[Loaded, ...]
    faults: tuple[Fault, ...]
    remarks: tuple[Remark, ...]


def load_machines(directories: Sequence[Path], *, shipped: bool = True) -> Machines:
    """The machines of the `*.yaml` and `*.yml` files right in `directories`, and the shipped ones if wanted.

    A directory's machine replaces a shipped one of the same type; the same type in two of their files is a fault. A
    directory named twice counts once; hidden files are passed over. Raises MachineFaults with every fault of all of it.
    """
    found = survey(directories, shipped=shipped)
    if found.faults:
        raise MachineFaults(found.faults)
    return {each.machine.fsm_type: each.machine for each in found.loaded}


def load_file(path: Path) -> Machine:
    """The machine that one file defines. Raises MachineFaults with everything that is wrong with it."""
    reading = read_file(path)
    if reading.machine is None:
        raise MachineFaults(reading.faults)
    return reading.machine


def survey(directories: Sequence[Path], *, shipped: bool = True) -> Survey:
    """What `load_machines` would load, and what it would refuse."""
    once = {_identity(directory): directory for directory in directories}
    own = [reading for directory in once.values() for reading in _readings(directory)]
    return _survey(own, _readings(SHIPPED_MACHINES) if shipped else [])


def survey_paths(paths: Sequence[Path]) -> Survey:
    """What these files and directories hold, as if they were to be loaded together and without others.

    A file counts once, however often it is named.
    """
    own: dict[Path, Reading] = {}
    for path in paths:
        readings = (_readings(path) or [_nothing_in(path)]) if path.is_dir() else [read_file(path)]
        own |= {_identity(reading.file): reading for reading in readings}
    return _survey([*own.values()], [])


def _survey(own: Sequence[Reading], delivered: Sequence[Reading]) -> Survey:
    mine, theirs = _machines(own), _machines(delivered)
    loaded = {
        **{name: Loaded(machine, file, shipped=True, replaces=False) for name, (machine, file) in theirs.items()},
        **{
            name: Loaded(machine, file, shipped=False, replaces=name in theirs)
            for name, (machine, file) in mine.items()
        },
    }
    faults = [fault for reading in (*own, *delivered) for fault in reading.faults]
    return Survey(
        tuple(loaded[name] for name in sorted(loaded)),
        ordered([*faults, *_second_definitions(own)]),
        ordered(remark for reading in own for remark in reading.remarks),
    )


def _machines(readings: Iterable[Reading]) -> dict[str, tuple[Machine, Path]]:
    return {reading.machine.fsm_type: (reading.machine, reading.file) for reading in readings if reading.machine}


def _identity(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL; reading it says so
        return path


def _readings(directory: Path) -> list[Reading]:
    try:
        files = sorted(path for path in directory.iterdir() if _is_definition(path))
    except (OSError, ValueError) as error:
        remedy = "Correct FOLDLINE_MACHINES, or make the directory readable."
        return [_faulty(Fault(directory, None, f"not a readable directory: {reason(error)}", remedy))]
    return [read_file(path) for path in files]


def _nothing_in(directory: Path) -> Reading:
    return _faulty(Fault(directory, None, "no definition lies here", "Name a directory with *.yaml or *.yml files."))


def _faulty(fault: Fault) -> Reading:
    return Reading(fault.file, None, None, (fault,))


def _is_definition(path: Path) -> bool:
    """Whether a directory's entry is meant to be read; a dangling link is, and then reported."""
    if path.suffix not in _SUFFIXES or path.name.startswith("."):
        return False
    return path.is_file() or (path.is_symlink() and not path.exists())


def _second_definitions(readings: Iterable[Reading]) -> Iterator[Fault]:
    first: dict[str, Reading] = {}
    for reading in readings:
        if not reading.fsm_type:
            continue
        other = first.setdefault(reading.fsm_type.text, reading)
        if other is not reading:
            problem = f"{shown(reading.fsm_type.text)} is also defined in {other.file}"
            yield Fault(reading.file, reading.fsm_type.line, problem, "Keep one of the two files.")
