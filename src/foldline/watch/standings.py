"""How the partitions that a worker holds have moved, from one sign of life to the next. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from foldline import facts


@dataclass(frozen=True, slots=True)
class Tracked:
    """One held partition. Times are those of a monotonic clock, in seconds.

    Attributes:
        standing: its position and the end of its log.
        moved_at: when the position was first seen where it is.
        level_at: when it was last seen to have nothing left to pass; None: never since we hold it.
        stuck_since: since when it has stood still although it has records left and nothing known keeps it; None: it
            does not.
    """

    standing: facts.Standing
    moved_at: float
    level_at: float | None
    stuck_since: float | None


def track(
    before: Mapping[str, Tracked],
    turned: facts.LineTurned,
    *,
    hindered: Callable[[str], bool],
    waited: float,
    now: float,
) -> dict[str, Tracked]:
    """What is known after another sign of life.

    `hindered`: whether something that is known keeps a partition; `waited`: for how long since the last sign of life
    the line waited for a server, which is nobody's standstill.
    """
    return {
        standing.partition: _next(
            before.get(standing.partition), standing, hindered=hindered(standing.partition), waited=waited, now=now
        )
        for standing in turned.held
    }


def _next(last: Tracked | None, standing: facts.Standing, *, hindered: bool, waited: float, now: float) -> Tracked:
    stood = last is not None and last.standing.next_offset == standing.next_offset
    moved_at = last.moved_at if last is not None and stood else now
    level_at = now if standing.lag == 0 else None if last is None else last.level_at
    if not stood or hindered or not standing.lag:
        return Tracked(standing, moved_at, level_at, None)
    since = last.stuck_since if last is not None else None
    return Tracked(standing, moved_at, level_at, now if since is None else min(now, since + waited))
