"""How fast a worker goes, second by second, from the facts that it announces."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from foldline import facts
from foldline.facts import VERDICTS

_REMEMBERED_SECONDS = 40
_AVERAGED_SECONDS = 5


class Rates:
    """Counts verdicts by second.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began = now()
        self._seconds: deque[tuple[int, Counter[str]]] = deque(maxlen=_REMEMBERED_SECONDS + 1)

    def hear(self, fact: facts.Fact) -> None:
        """Count a batch; other facts count nothing."""
        if not isinstance(fact, facts.BatchApplied):
            return
        second = self._second()
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1].update(fact.verdicts)

    def per_second(self) -> dict[str, float]:
        """Verdicts per second over the last whole seconds, at most five of them."""
        second = self._second()
        over = min(_AVERAGED_SECONDS, second)
        heard = [counts for at, counts in list(self._seconds) if second - over <= at < second]
        return {verdict: sum(counts[verdict] for counts in heard) / over if over else 0.0 for verdict in VERDICTS}

    def recent(self) -> list[int]:
        """Records in each of the last whole seconds, oldest first, at most forty of them."""
        second = self._second()
        heard = {at: counts.total() for at, counts in list(self._seconds)}
        return [heard.get(at, 0) for at in range(max(0, second - _REMEMBERED_SECONDS), second)]

    def _second(self) -> int:
        return int(self._now() - self._began)
