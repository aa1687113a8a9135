"""What is found in machine definitions, each with its file, line and remedy; faults are raised all together."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from foldline.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LISTED = 12
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `line` counts from 1, and is None where the whole file or directory is meant.

    `problem` has no full stop at its end, `remedy` is a sentence.
    """

    file: Path
    line: int | None
    problem: str
    remedy: str

    @property
    def place(self) -> str:
        """Where it is, as editors read it: `file:line`, or only the file."""
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}. {self.remedy}"


class Fault(Finding):
    """What makes a definition no machine."""


class Remark(Finding):
    """What is legal, and yet hardly meant."""


_Finding = TypeVar("_Finding", bound=Finding)


def ordered(findings: Iterable[_Finding]) -> tuple[_Finding, ...]:
    """Each finding once, by file and line."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: (str(finding.file), finding.line or 0)))


class MachineFaults(MachineError):  # noqa: N818 -- the plural says that it holds them all
    """Definitions are not well formed. `faults` holds every fault found, by file and line; at least one.

    The message is one line: the first fault, and where to see the others.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = ordered(faults)
        first, *others = self.faults
        more = f" `foldline machines check` lists all {len(self.faults)} faults." if others else ""
        super().__init__(f"{first.place}: {first.problem}.", remedy=f"{first.remedy}{more}")


def shown(value: object) -> str:
    """`value` as a message shows it: on one line, printable, not too long, YAML's words for YAML's values."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def choose(word: str, known: Iterable[str]) -> str:
    """The remedy for a `word` that should have been one of `known`: the nearest of them, or the list."""
    names = list(known)
    nearest = difflib.get_close_matches(word, names, n=1)
    if nearest:
        return f"Did you mean {shown(nearest[0])}?"
    if not names:
        return "None is defined."
    listed = ", ".join(shown(name) for name in names[:_LISTED])
    return f"Known here: {listed}{', …' if len(names) > _LISTED else ''}."
