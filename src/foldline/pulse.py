"""Once a second, while the line turns, where everything stands: the sign of life that health and metrics go by."""

from __future__ import annotations

import math

from foldline import facts
from foldline.custody import Custody
from foldline.ports import Source

EVERY_SECONDS = 1.0


class Pulse:
    """Announces `LineTurned`; asks no server, and costs a comparison when it is not due."""

    def __init__(self, custody: Custody, source: Source, announce: facts.Announce) -> None:
        self._custody = custody
        self._source = source
        self._announce = announce
        self._due = -math.inf

    def beat(self, now: float) -> None:
        """The line has turned. `now` is a monotonic clock in seconds."""
        if now < self._due:
            return
        self._due = now + EVERY_SECONDS
        custody = self._custody
        self._announce(
            facts.LineTurned(
                tuple(
                    facts.Standing(str(partition), next_offset, self._source.known_end(partition))
                    for partition, next_offset in custody.positions()
                ),
                tuple(map(str, custody.waiting)),
                tuple(map(str, custody.stopped)),
            )
        )
