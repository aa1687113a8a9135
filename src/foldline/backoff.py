"""How long to wait before the next attempt: twice as long each time, up to a ceiling, and never two alike."""

from __future__ import annotations

import random
from dataclasses import dataclass

_DOUBLINGS = 20  # beyond the ceiling of any of ours: after a night's outage 2 ** attempt is no float any more


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delays of one kind of trouble, in seconds: `first` before the second attempt, `longest` at most."""

    first: float
    longest: float

    def delay(self, attempt: int) -> float:
        """How long to wait after so many attempts: between half of what is due and all of it, so that many spread."""
        due: float = min(self.longest, self.first * 2 ** min(attempt - 1, _DOUBLINGS))
        return due * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
