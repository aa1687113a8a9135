"""What is wrong with machine definitions: each fault with its file, line and remedy, raised all together."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foldline.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LISTED = 12
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `line` counts from 1, and is None where the whole file or directory is at fault.

    `problem` has no full stop at its end, `remedy` is a sentence.
    """

    file: Path
    line: int | None
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.problem}. {self.remedy}"


class MachineFaults(MachineError):  # noqa: N818 -- the plural says that it holds them all
    """Definitions are not well formed. `faults` holds every fault found, by file and line; at least one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(dict.fromkeys(faults), key=lambda fault: (str(fault.file), fault.line or 0)))
        super().__init__("\n".join(map(str, self.faults)))


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
