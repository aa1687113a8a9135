"""What is wrong with settings: each fault with the place where it stands and its remedy. Never a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foldline.errors import SettingError

ENVIRONMENT = "environment"
HIDDEN = "***"
"""What is shown in place of a value that may be secret."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting was found: its name as it is written there (None: the file as a whole), and the line if known."""

    name: str | None
    source: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"the {self.source}" if self.source == ENVIRONMENT else self.source
        place = place if self.line is None else f"{place}, line {self.line}"
        return place if self.name is None else f"{self.name} in {place}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: `origin` and `problem` together make a sentence, and so does `remedy`."""

    origin: Origin
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.origin}{self.problem}. {self.remedy}"


class SettingFaults(SettingError):  # noqa: N818 -- the plural says that it holds them all
    """Settings are wrong. `faults` holds all of them, at least one; the message is the first and how many more."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        first, more = self.faults[0], len(self.faults) - 1
        remedy = f"{first.remedy} ({more} more: `foldline config` lists all.)" if more else first.remedy
        super().__init__(f"{first.origin}{first.problem}.", remedy=remedy)
