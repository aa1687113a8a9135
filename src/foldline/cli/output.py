"""What commands print: tables and lines for people, JSON for programs.

Text that comes from the log is somebody else's: what could steer a terminal is shown as an escape.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from foldline.errors import UsageError
from foldline.printable import printable

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_NONE = "-"
_GAP = "  "
_LEAST_PROSE = 40
_UNBOUNDED = 100_000
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000))


def json_out(value: object) -> None:
    """Print one JSON document of the shape that the command declares (see `shapes`).

    Dataclasses become objects, times ISO 8601 with Z, `msgspec.Raw` stays as it is.
    """
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def lists(context: typer.Context, *, as_json: bool) -> bool:
    """Whether a group of commands is asked for its list, and not for one of its commands.

    Raises:
        UsageError: `--json` stands before a command, where it is the list's.
    """
    command = context.invoked_subcommand
    if command is not None and as_json:
        raise UsageError(f"--json before `{command}` is the list's.", remedy=f"Put it behind `{command}`.")
    return command is None


def line_out(text: str = "", *, style: str = "") -> None:
    """Print one line for people, now; in `style` on a terminal."""
    if style and sys.stdout.isatty():
        Console(highlight=False).print(Text(text, style), soft_wrap=True)
    else:
        typer.echo(text)


def note(text: str) -> None:
    """Say something beside the answer: on stderr."""
    typer.echo(f"foldline: {text}", err=True)


def table_out(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; nothing is cut. On a terminal the last column, which is for prose, is folded."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    cells = [[_cell(value) for value in row] for row in rows]
    for column, heading in enumerate(headings):
        right = bool(cells) and all(row[column][1] for row in cells)
        last = column == len(headings) - 1
        table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=not last)
    for row in cells:
        table.add_row(*(text for text, _ in row))
    if sys.stdout.isatty():
        widest = [max(len(heading), *(row[i][0].cell_len for row in cells), 0) for i, heading in enumerate(headings)]
        least = sum(widest[:-1]) + len(_GAP) * (len(headings) - 1) + min(widest[-1], _LEAST_PROSE)
        Console(width=max(Console().width, least), highlight=False).print(table)
        return
    page = io.StringIO()
    Console(file=page, width=_UNBOUNDED, highlight=False, color_system=None).print(table)
    for line in page.getvalue().splitlines():
        typer.echo(line.rstrip())


def plain(value: object, *, keep: str = "") -> str:
    """A value as text that is safe on a terminal."""
    return printable(str(value), keep=keep)


def instant(moment: datetime | None) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    if moment is None:
        return _NONE
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(milliseconds: float | None) -> str:
    """A span of time in its two largest units: `1 d 4 h`, `2 min 5 s`, `350 ms`."""
    if milliseconds is None:
        return _NONE
    if milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds:.3g} ms" if milliseconds < 1 else f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:  # noqa: PLR2004 - a minute
        return f"{milliseconds / 1000:.1f} s"
    parts: list[str] = []
    left = round(milliseconds / 1000) * 1000
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def counted(number: int, noun: str) -> str:
    """`1 record`, `2,000 records`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(counts: Iterable[tuple[str, int]]) -> str:
    """`12 of this, 3 of that`: counts with their names, in one line."""
    return ", ".join(f"{count:,} {plain(name)}" for name, count in counts) or "none"


def _cell(value: object) -> tuple[Text, bool]:
    """The text of a cell, and whether it is a number or missing."""
    if isinstance(value, Text):
        return value, False
    if isinstance(value, datetime):
        return Text(instant(value)), False
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}"), True
    return Text(_NONE if value is None else plain(value)), value is None
