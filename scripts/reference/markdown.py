"""Pieces of Markdown."""

from __future__ import annotations

import re
import textwrap

_WIDTH = 120


def table(headings: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def paragraphs(text: str) -> list[str]:
    """The lines of a text, filled."""
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
    return "\n\n".join(
        textwrap.fill(part, _WIDTH, break_long_words=False, break_on_hyphens=False) for part in parts
    ).split("\n")
