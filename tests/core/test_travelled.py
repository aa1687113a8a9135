"""How a long command says how far it is where there is no terminal."""

from __future__ import annotations

import pytest

from foldline.cli.operate.travelled import Lines
from foldline.replay.asked import Progress


def test_a_line_every_half_minute_says_how_fast_and_how_long_yet(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 10.0, 29.0, 40.0, 45.0, 70.5])
    lines = Lines(lambda: next(clock))
    lines.told(Progress("copying the tables", 500, 1_000))
    lines.told(Progress("reading the log", 0, 10_000))
    lines.told(Progress("reading the log", 2_200, 10_000))
    lines.told(Progress("reading the log", 3_000, 10_000))
    lines.told(Progress("reading the log", 8_300, 10_000))
    assert capsys.readouterr().err.splitlines() == [
        "foldline: reading the log: 2,200 of 10,000, 200 a second, 39.0 s left",
        "foldline: reading the log: 8,300 of 10,000, 200 a second, 8.5 s left",
    ]
