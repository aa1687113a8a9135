"""The SQL statements by the name of their file. Each file holds one statement under a comment that says its promise."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import LiteralString

DIRECTORY = Path(__file__).parent / "sql"


@cache
def query(name: str) -> LiteralString:
    """The statement in `sql/{name}.sql`, its leading comment left out."""
    lines = (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def names() -> list[str]:
    """The names of all statements."""
    return sorted(path.stem for path in DIRECTORY.glob("*.sql"))
