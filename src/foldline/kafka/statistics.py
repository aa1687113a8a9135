"""What librdkafka's statistics say that it says nowhere else: whether the group has answered a member it gave nothing.

Under the classic protocol such a member is told that its assignment is empty; under KIP-848 it is told nothing.
"""

from __future__ import annotations

import json
import math

_SETTLED_SECONDS = 3.0


class GroupAnswer:
    """Whether the group has answered since we asked to join. `now` is a monotonic clock's reading in seconds."""

    def __init__(self) -> None:
        self._came = False
        self._lost_at = -math.inf

    def came(self) -> None:
        """It has, with an assignment."""
        self._came = True

    def lost(self, now: float) -> None:
        """It has given away what we had: it has to answer again."""
        self._came = False
        self._lost_at = now

    def is_nothing(self, statistics: str, now: float) -> bool:
        """Whether it has by now, with nothing for us; true once.

        Its coordinator then has been there for long enough to have given us what it has for us.
        """
        group = json.loads(statistics).get("cgrp", {})
        there = group.get("stateage", 0) / 1000 if group.get("state") == "up" else 0.0
        if self._came or min(there, now - self._lost_at) < _SETTLED_SECONDS:
            return False
        self._came = True
        return True
