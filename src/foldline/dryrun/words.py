"""Names in sentences: the nearest of those that are known, and lists that stay short."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

_LISTED = 12
_REMEMBERED = 1_000


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence: the known name that `word` was probably meant to be, in whatever case; else those that there are."""
    names = tuple(known)
    found = near(word, names)
    if found is not None:
        return f"Did you mean {found}?"
    return f"Known: {listed(names)}." if names else "None is known."


@lru_cache(_REMEMBERED)
def near(word: str, names: tuple[str, ...]) -> str | None:
    """The name that `word` is nearly, None if it is like none of them. Remembered: a log repeats its mistakes."""
    folded = {name.casefold(): name for name in reversed(names)}
    found = difflib.get_close_matches(word.casefold(), folded, n=1)
    return folded[found[0]] if found else None


def listed(names: Iterable[str]) -> str:
    """`A, B, C`, and how many more there are."""
    every = tuple(names)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return f"{', '.join(every[:_LISTED])}{more}"
