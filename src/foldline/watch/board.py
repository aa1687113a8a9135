"""The board of `foldline demo`: one picture of machines, verdicts and lag. Pure: a view in, something for rich out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from foldline.facts import VERDICTS

_BARS = " ▁▂▃▄▅▆▇█"
_COLOURS = {"applied": "green", "duplicate": "cyan", "rejected": "red", "undecodable": "magenta"}
_LABEL_WIDTH = 14
_BOX_ROWS = 5
_ROWS_BESIDE_BOXES = 17


@dataclass(frozen=True, slots=True)
class StateBox:
    """One state and how many entities are in it. `moved`: the number has changed since the last look."""

    name: str
    entities: int
    final: bool = False
    error: bool = False
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A record that was not applied: whose it is, why, and the command that tells more."""

    subject: str
    reason: str
    detail: str
    command: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the board. Texts from the log must be printable by now; `lag` is None while it is not known."""

    title: str
    machines: Mapping[str, Sequence[StateBox]]
    verdicts: Mapping[str, int]
    per_second: Mapping[str, float]
    recent: Sequence[int] = ()
    lag: int | None = None
    workflows: Sequence[tuple[str, int]] = ()
    rejected: Trouble | None = None
    undecodable: Trouble | None = None
    warning: str | None = None


def board(view: View, *, rows: int) -> RenderableType:
    """The picture for a terminal of so many rows, with boxes where they fit. 80 columns and 24 rows are enough."""
    parts: list[RenderableType] = [Text(view.title, "bold")]
    draw = _boxes if rows >= _ROWS_BESIDE_BOXES + _BOX_ROWS * len(view.machines) else _line
    for fsm_type, states in view.machines.items():
        parts.append(Text(f"{fsm_type}  {sum(state.entities for state in states):,}", "bold blue"))
        parts.append(draw(states))
    parts += [_workflows(view.workflows), Text(), _verdicts(view), Text()]
    parts += [_trouble("last rejected", view.rejected), _trouble("last undecodable", view.undecodable)]
    if view.warning is not None:
        parts.append(Text(view.warning, "yellow"))
    return Group(*parts)


def _boxes(states: Iterable[StateBox]) -> RenderableType:
    row = Table.grid(padding=0)
    boxes = []
    for state in states:
        row.add_column()
        style = _style(state)
        content = Group(Text(state.name, style, no_wrap=True), _count(state))
        boxes.append(Panel(content, box=box.ROUNDED, padding=0, border_style=style, width=_width(state)))
    row.add_row(*boxes)
    return row


def _line(states: Iterable[StateBox]) -> RenderableType:
    text = Text()
    for state in states:
        text.append(state.name, _style(state)).append(" ").append_text(_count(state)).append("  ")
    return text


def _count(state: StateBox) -> Text:
    return Text(f"{state.entities:,}", "bold yellow" if state.moved else "bold", justify="right")


def _style(state: StateBox) -> str:
    return "red" if state.error else "green" if state.final else "default"


def _width(state: StateBox) -> int:
    return max(len(state.name), len(f"{state.entities:,}")) + 2


def _workflows(statuses: Sequence[tuple[str, int]]) -> Text:
    text = Text("workflows", "bold blue")
    for status, count in statuses:
        text.append(f"   {status} ", "default").append(f"{count:,}", "bold")
    return text


def _verdicts(view: View) -> Table:
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left"):
        table.add_column(justify=justify, min_width=_LABEL_WIDTH if justify == "left" else 0)
    beside = [Text(sparkline(view.recent)), Text("records per second"), Text(), _lag(view.lag)]
    for verdict, side in zip(VERDICTS, beside, strict=True):
        table.add_row(
            Text(verdict, _COLOURS[verdict]),
            Text(f"{view.verdicts.get(verdict, 0):,}", "bold"),
            Text(f"{view.per_second.get(verdict, 0.0):,.0f}/s"),
            side,
        )
    return table


def _lag(lag: int | None) -> Text:
    return Text("lag ").append("not known yet" if lag is None else f"{lag:,}", "bold")


def _trouble(label: str, trouble: Trouble | None) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=_LABEL_WIDTH + 2, no_wrap=True)
    table.add_column()
    if trouble is None:
        table.add_row(Text(label, "dim"), Text("none yet", "dim"))
    else:
        table.add_row(Text(label, "bold"), Text(f"{trouble.subject}: ").append(trouble.reason, "bold red"))
        table.add_row("", Text(trouble.detail))
        table.add_row("", Text(f"$ {trouble.command}", "cyan"))
    return table


def sparkline(counts: Sequence[int]) -> str:
    """One character a second, as high as its count is against the highest."""
    most = max(counts, default=0)
    if most == 0:
        return ""
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)
