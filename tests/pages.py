"""The pages of documentation and their fenced blocks, with what a comment in front of a block says about running it.

- `<!-- elsewhere: PATH -->`: PATH runs it; it must name the page, or hold the block's first line.
- `<!-- meanwhile, from TEXT -->`: a command that goes on while the rest of the page is run, from when it says TEXT on
  stderr, and that must end well on SIGTERM.
- `<!-- exits 1 -->`: it must end like that, and not with 0.
- `<!-- output -->`, before a block of text: what the block of shell above it prints; a line `...` stands for any lines.

Behind a block that publishes, everything is projected before the next one is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
_OPENING = re.compile(r"( *)```(\w*)$")
_DIRECTIVE = re.compile(r" *<!-- (.*) -->$")


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block. `line` is that of its opening, `directive` the comment in front of it."""

    page: Path
    line: int
    language: str
    text: str
    directive: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(CHECKOUT)}:{self.line}"


def pages() -> list[Path]:
    """README and every page of docs/, decision records left out: they are not instructions."""
    return [
        CHECKOUT / "README.md",
        *sorted((CHECKOUT / "docs").glob("*.md")),
        *sorted((CHECKOUT / "docs").glob("reference/*.md")),
    ]


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (CHECKOUT / "docs" / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The blocks of a text in one language."""
    return [fence.text for fence in _fences(text, CHECKOUT) if fence.language == language]


def fences(page: Path) -> list[Fence]:
    """The blocks of a page, in order."""
    return list(_fences(page.read_text(encoding="utf-8"), page))


def _fences(text: str, page: Path) -> Iterator[Fence]:
    lines = text.splitlines()
    number = 0
    directive = ""
    while number < len(lines):
        line = lines[number]
        number += 1
        if comment := _DIRECTIVE.fullmatch(line):
            directive = comment[1]
        elif opening := _OPENING.fullmatch(line):
            first, indent = number, len(opening[1])
            while lines[number].strip() != "```":
                number += 1
            block = "".join(f"{each[indent:]}\n" for each in lines[first:number])
            yield Fence(page, first, opening[2], block, directive)
            number += 1
            directive = ""
        elif line.strip():
            directive = ""
