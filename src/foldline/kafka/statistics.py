"""What librdkafka's statistics say that it says nowhere else: whether the group has answered a member it gave nothing.

Under the classic protocol such a member is told that its assignment is empty; under KIP-848 it is told nothing.
"""

from __future__ import annotations

import json

_SETTLED_MILLISECONDS = 3_000


def group_answers(statistics: str) -> bool:
    """Whether the group's coordinator has been there for long enough to have given us what it has for us."""
    group = json.loads(statistics).get("cgrp", {})
    return bool(group.get("state") == "up" and group.get("stateage", 0) >= _SETTLED_MILLISECONDS)
