"""The fenced blocks of docs/schema.md, and the statements in them."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"--.*")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in one language."""
    page = (CHECKOUT / "docs" / "schema.md").read_text(encoding="utf-8")
    return [text for name, text in _FENCE.findall(page) if name == language]


def statements(block: str) -> list[str]:
    """The statements of a block as they stand; none of them has a semicolon inside."""
    return [part for part in re.split(r"(?<=;)", block) if bare(part)]


def bare(statement: str) -> str:
    """A statement on one line, comments left out."""
    return " ".join(_COMMENT.sub("", statement).replace(";", "").split())
