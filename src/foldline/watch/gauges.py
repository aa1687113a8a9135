"""What stands as it stands: gauges, made when somebody asks."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from foldline import facts
from foldline.watch import metric
from foldline.watch.counting import topic_and_number
from foldline.watch.health import Health, HealthReport
from foldline.watch.metric import Metric
from foldline.watch.standings import Tracked

Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the database, as it was asked not long ago.

    `problem` is why the database does not answer, None if it does. `letters` counts open dead letters by verdict and
    reason; None if that is not known.
    """

    problem: str | None = None
    letters: tuple[tuple[str, str, int], ...] | None = None
    oldest_seconds: float = 0.0


class Gauges(Collector):
    """A collector for prometheus-client. It never waits for more than `backlog` does.

    Args:
        health: knows where the partitions stand.
        backlog: what the database last said.
        monotonic: the clock that `health` goes by, in seconds.
        wall: the time of day, in seconds since 1970: only lag in seconds is measured against it.
    """

    def __init__(
        self,
        health: Health,
        backlog: Callable[[], Backlog],
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._health = health
        self._backlog = backlog
        self._monotonic = monotonic
        self._wall = wall
        self._passed_ms: dict[str, int] = {}

    def hear(self, fact: facts.Fact) -> None:
        """Note the timestamp of the last record that was passed."""
        if isinstance(fact, facts.BatchApplied) and fact.last_timestamp_ms is not None:
            self._passed_ms[fact.partition] = fact.last_timestamp_ms

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: else the registry would collect once just to know the names."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Everything as it is now."""
        backlog = self._backlog()
        report = self._health.report(database=backlog.problem)
        yield _family(metric.BUILD, [((version("foldline"), platform.python_version()), 1)])
        yield _family(metric.HEALTHY, _probes(report))
        custody = Counter(each.custody for each in report.partitions)
        yield _family(metric.PARTITIONS, (((kind,), custody[kind]) for kind in ("held", "waiting", "stopped")))
        yield from self._positions()
        if backlog.letters is not None:
            letters = (((verdict, reason), count) for verdict, reason, count in backlog.letters)
            yield _family(metric.DEAD_LETTERS_OPEN, letters)
            yield _family(metric.DEAD_LETTERS_AGE, [((), backlog.oldest_seconds)])

    def _positions(self) -> Iterator[GaugeMetricFamily]:
        now, wall = self._monotonic(), self._wall()
        held = {topic_and_number(name): (name, tracked) for name, tracked in self._health.held.items()}
        ages = {labels: now - tracked.moved_at for labels, (_, tracked) in held.items()}
        lags = {labels: tracked.standing.lag for labels, (_, tracked) in held.items()}
        seconds = {
            labels: lag_seconds(tracked, self._passed_ms.get(name), monotonic=now, wall=wall)
            for labels, (name, tracked) in held.items()
        }
        positions = {labels: tracked.standing.next_offset for labels, (_, tracked) in held.items()}
        yield _family(metric.POSITION, positions.items())
        yield _family(metric.POSITION_AGE, ages.items())
        yield _family(metric.LAG_RECORDS, _known(lags))
        yield _family(metric.LAG_SECONDS, _known(seconds))


def lag_seconds(tracked: Tracked, passed_ms: int | None, *, monotonic: float, wall: float) -> float | None:
    """For how long the oldest record that is left has been waiting, at most; None if nothing is known of it.

    It came after the last record that was passed, and after nothing was left. The first is what says most after a
    start on a long log, the second after a long silence.
    """
    if tracked.standing.lag == 0:
        return 0.0
    bounds = [] if tracked.level_at is None else [monotonic - tracked.level_at]
    if passed_ms is not None:
        bounds.append(wall - passed_ms / 1000)
    return max(0.0, min(bounds)) if bounds and tracked.standing.lag is not None else None


def _probes(report: HealthReport) -> list[Sample]:
    probes = {"live": report.live, "ready": report.ready, "progress": report.progress}
    return [((name,), float(probe.ok)) for name, probe in probes.items()]


def _known(values: Mapping[tuple[str, str], float | None]) -> Iterator[Sample]:
    return ((labels, value) for labels, value in values.items() if value is not None)


def _family(definition: Metric, samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(definition.name, definition.meaning, labels=definition.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
