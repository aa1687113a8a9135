"""What one worker came to, counted from the facts that it announces."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from foldline import facts
from foldline.cli.output import counted


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many records got which verdict.

    Attributes:
        applied: records that were applied.
        duplicate: records whose event had its verdict already.
        rejected: records whose event the machine, an expectation or a lease refused.
        undecodable: records that are no event.
    """

    applied: int
    duplicate: int
    rejected: int
    undecodable: int


@dataclass
class Tally:
    """Verdicts and reasons so far. `first_at`: when, by the monotonic clock, the first event was projected."""

    verdicts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(facts.VERDICTS, 0)))
    reasons: Counter[str] = field(default_factory=Counter)
    first_at: float | None = None

    def hear(self, fact: facts.Fact) -> None:
        """Count a batch; other facts count nothing."""
        if not isinstance(fact, facts.BatchApplied):
            return
        self.verdicts.update(fact.verdicts)
        self.reasons.update(fact.reasons)
        if self.first_at is None and self.verdicts.total():
            self.first_at = time.monotonic()

    @property
    def line(self) -> str:
        """All verdicts in one line."""
        each = ", ".join(f"{count:,} {verdict}" for verdict, count in self.verdicts.items())
        return f"{counted(self.verdicts.total(), 'record')}: {each}"

    @property
    def nothing_new(self) -> bool:
        """Whether every event had its verdict already."""
        return self.verdicts["duplicate"] > 0 and not self.verdicts["applied"] and not self.verdicts["rejected"]
