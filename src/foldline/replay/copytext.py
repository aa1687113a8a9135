"""Rows as COPY writes them in its text format, with a vertical tab for NULL: a tab between columns.

COPY writes a backslash before what would confuse a reader, before a vertical tab in a value too. So a vertical tab by
itself is NULL and nothing else, and a line without a backslash has nothing to undo: that is nearly every line.
"""

from __future__ import annotations

import re

OPTIONS = r"(FORMAT text, NULL E'\x0B', ENCODING 'UTF8')"
"""What COPY must be told, in SQL. (`\\v` is a vertical tab to PostgreSQL 18, but a mere `v` to 16.)"""

_NULL = "\v"
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def columns(line: bytes) -> list[str | None]:
    """The columns of a row, None for NULL; the line without its end."""
    text = line.decode()
    if "\\" in text:
        return [None if column == _NULL else _undone(column) for column in text.split("\t")]
    if _NULL in text:
        return [None if column == _NULL else column for column in text.split("\t")]
    return list(text.split("\t"))


def leading(line: bytes, count: int) -> bytes:
    """The first so many columns of a row that has more, NUL between them; they are not NULL."""
    found = line.split(b"\t", count)[:count]
    if b"\\" not in line:
        return b"\0".join(found)
    return "\0".join(_undone(column.decode()) for column in found).encode()


def _undone(column: str) -> str:
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), column)
