"""The board of the demo, as text."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from foldline.watch import StateBox, Trouble, View, board

INGESTION = (
    StateBox("RECEIVED", 0),
    StateBox("PROCESSING", 1234, moved=True),
    StateBox("INDEXED", 7, final=True),
    StateBox("FAILED", 123_456_789, error=True),
)
TROUBLE = Trouble(
    "INGESTION doc-1", "illegal_transition", "REINDEX is not possible in FAILED", "foldline history X doc-1"
)
VIEW = View(
    title="the title",
    machines={"INGESTION": INGESTION, "OTHER": INGESTION, "THIRD": INGESTION},
    verdicts={"applied": 41_234, "duplicate": 5, "rejected": 6, "undecodable": 7},
    per_second={"applied": 99.6, "duplicate": 0.2},
    recent=[0, 1, 4],
    lag=8,
    workflows=[("RUNNING", 31), ("FAILED", 2)],
    rejected=TROUBLE,
    warning="PostgreSQL is away",
)


def _drawn(view: View, *, width: int = 80, rows: int = 50) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=width, color_system=None).print(board(view, rows=rows))
    return [line.rstrip() for line in page.getvalue().splitlines()]


def test_states_are_boxes_with_their_counts() -> None:
    assert _drawn(VIEW)[1:6] == [
        "INGESTION  123,458,030",
        "╭────────╮╭──────────╮╭───────╮╭───────────╮",
        "│RECEIVED││PROCESSING││INDEXED││FAILED     │",
        "│       0││     1,234││      7││123,456,789│",
        "╰────────╯╰──────────╯╰───────╯╰───────────╯",
    ]


def test_it_says_verdicts_rates_lag_workflows_and_what_went_wrong_last() -> None:
    drawn = "\n".join(_drawn(VIEW))
    for text in (
        "applied         41,234  100/s   ▂█",
        "undecodable          7    0/s  lag 8",
        "workflows   RUNNING 31   FAILED 2",
        "last rejected    INGESTION doc-1: illegal_transition",
        "REINDEX is not possible in FAILED",
        "$ foldline history X",
        "last undecodable none yet",
        "PostgreSQL is away",
    ):
        assert text in drawn


def test_a_terminal_too_low_for_boxes_gets_a_line_for_each_machine() -> None:
    drawn = _drawn(VIEW, rows=24)
    assert len(drawn) <= 24
    assert drawn[2] == "RECEIVED 0  PROCESSING 1,234  INDEXED 7  FAILED 123,456,789"
    assert "╭" not in "".join(_drawn(VIEW, rows=31))
    full = replace(VIEW, undecodable=TROUBLE)
    assert "╭" in "".join(_drawn(full, rows=32))
    assert len(_drawn(full, rows=32)) <= 32


@pytest.mark.parametrize("lag", [None, 0])
def test_before_the_first_look_the_lag_is_not_said_to_be_nothing(lag: int | None) -> None:
    empty = View("t", {}, {}, {}, lag=lag)
    assert ("lag not known yet" in "\n".join(_drawn(empty))) == (lag is None)
