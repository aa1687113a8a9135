"""Values as PostgreSQL writes them, so that what was folded can be held against what COPY gave."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

fromisoformat = datetime.fromisoformat
_OFFSET = "+00:00"
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def time_text(instant: datetime) -> str:
    """A time in UTC as PostgreSQL writes a timestamptz: without needless zeros, and `+00` behind it."""
    text = str(instant).removesuffix(_OFFSET)
    return f"{text.rstrip('0')}+00" if instant.microsecond else f"{text}+00"


def time_beside(instant: datetime, held: str) -> str:
    """The same, quicker where `held` is a text of that time already."""
    try:
        return held if fromisoformat(held) == instant else time_text(instant)
    except ValueError:  # infinity, or before our era
        return time_text(instant)


def maybe_time(instant: datetime | None) -> str | None:
    """The same; None is NULL."""
    return None if instant is None else time_text(instant)


def double_text(number: float | None) -> str | None:
    """Milliseconds as PostgreSQL writes a double: the shortest digits that mean it; None is NULL."""
    return None if number is None else repr(number).removesuffix(".0")


def bool_text(truth: bool) -> str:  # noqa: FBT001 - it is the value
    """`t` or `f`."""
    return "t" if truth else "f"


def same_json(left: str | None, right: str | None) -> bool:
    """Whether two JSON texts are one jsonb value: spaces, the order of keys and the form of numbers mean nothing."""
    if left == right:
        return True
    if left is None or right is None:
        return False
    try:
        if _members(left) == _members(right):  # nearly always, and quicker
            return True
    except msgspec.ValidationError:  # no object
        pass
    one, other = _decode(left), _decode(right)
    if one != other:
        return False
    return not any(word in text for text in (left, right) for word in ("true", "false")) or _alike(one, other)


def _alike(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON is anything
    """Of two equal values: Python takes true for 1, JSON does not."""
    if isinstance(one, dict):
        return all(_alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return all(map(_alike, one, other))
    return isinstance(one, bool) == isinstance(other, bool)
