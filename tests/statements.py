"""The statements of postgres/sql as PREPARE takes them."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"%\((\w+)\)[sb]")


def numbered(sql: str) -> str:
    """The statement with `$1`, `$2` for psycopg's placeholders, as psycopg sends it: one number for each name."""
    order: dict[str, int] = {}
    text = _PLACEHOLDER.sub(lambda found: f"${order.setdefault(found[1], len(order) + 1)}", sql)
    assert "%" not in text, "a placeholder of another kind"
    return text
