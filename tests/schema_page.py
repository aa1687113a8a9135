"""The fenced blocks of docs/schema.md, and the statements in them."""

from __future__ import annotations

import re

import pages

_COMMENT = re.compile(r"--.*")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in one language."""
    return pages.blocks(pages.page("schema.md"), language)


def statements(block: str) -> list[str]:
    """The statements of a block as they stand; none of them has a semicolon inside."""
    return [part for part in re.split(r"(?<=;)", block) if bare(part)]


def bare(statement: str) -> str:
    """A statement on one line, comments left out."""
    return " ".join(_COMMENT.sub("", statement).replace(";", "").split())
