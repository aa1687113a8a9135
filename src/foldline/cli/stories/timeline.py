"""A timeline for people: a heading for each day, a line for each thing that happened, and below it what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.cells import cell_len

from foldline.cli.output import duration, line_out, plain

_INDENT = "  "
_GAP = "  "
_TIME_WIDTH = len("00:00:00.000")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. Cells stand in columns; `style` is of the whole, on terminals."""

    at: datetime
    cells: tuple[str, ...]
    below: str = ""
    style: str = ""


def timeline_out(lines: Sequence[Line]) -> None:
    """Print the lines in their order, times in UTC. Nothing is cut; what could steer a terminal is escaped."""
    rows = [[plain(cell) for cell in line.cells] for line in lines]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    day = ""
    for line, row in zip(lines, rows, strict=True):
        moment = line.at.astimezone(UTC)
        if day != (day := moment.date().isoformat()):
            line_out(f"{day} UTC", style="bold")
        time = moment.time().isoformat(timespec="milliseconds")
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        line_out(_INDENT + _GAP.join([time, *padded]).rstrip(), style=line.style)
        if line.below:
            line_out(f"{_INDENT}{' ' * _TIME_WIDTH}{_GAP}{plain(line.below)}", style=line.style)


def span(seconds: float) -> str:
    """A span of time in its two largest units."""
    return duration(seconds * 1000)
