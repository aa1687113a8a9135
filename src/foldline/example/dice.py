"""Draws that are the same on every Python and platform."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Face = TypeVar("_Face")
_STRIDE = 1_000_003

SECOND = 1_000_000
MINUTE = 60 * SECOND


class Dice:
    """Built on `random()` alone, the one method whose sequence Python promises to keep; `stream` sets series apart."""

    def __init__(self, seed: int, stream: int) -> None:
        self._random = Random(seed * _STRIDE + stream).random  # noqa: S311  a story, not a secret

    def below(self, bound: int) -> int:
        """Return an integer from 0 to `bound` - 1."""
        return int(self._random() * bound)

    def pick(self, faces: Sequence[_Face]) -> _Face:
        """Return one of `faces`."""
        return faces[self.below(len(faces))]

    def chance(self, percent: int) -> bool:
        """Return True in `percent` of a hundred cases."""
        return self.below(100) < percent

    def micros(self, low: int, high: int) -> int:
        """Return a duration in microseconds between `low` and `high`, both in microseconds."""
        return low + self.below(high - low)
