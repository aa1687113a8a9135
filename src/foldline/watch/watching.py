"""What the endpoint tells of a worker: its health, and its metrics. Listens to every fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus

import msgspec
from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from foldline import facts
from foldline.watch.counting import Counting
from foldline.watch.endpoint import Answer, Answers
from foldline.watch.gauges import Backlog, Gauges
from foldline.watch.health import Health, HealthReport, Limits, Probe
from foldline.watch.lookup import Lookup

HEALTH_PATH = "/health"
_ASK_EVERY_SECONDS = 15.0
_ASK_PATIENCE_SECONDS = 2.0
_SILENT = Backlog(problem=f"PostgreSQL has not answered within {_ASK_PATIENCE_SECONDS:.0f} s.")


class Watching:
    """Hears the facts in the worker's thread, and answers in any.

    Args:
        limits: from when on the worker is not well.
        ask: asks the database what waits there; it is asked once in a while at most, and never waited for long.
        monotonic: a clock in seconds.
        wall: the time of day, in seconds since 1970.
    """

    def __init__(
        self,
        limits: Limits,
        ask: Callable[[], Backlog],
        *,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._health = Health(limits, monotonic)
        self._backlog = Lookup(ask, _SILENT, every=_ASK_EVERY_SECONDS, patience=_ASK_PATIENCE_SECONDS, now=monotonic)
        registry = CollectorRegistry(auto_describe=False)
        gauges = Gauges(self._health, self._backlog.answer, monotonic, wall)
        registry.register(gauges)
        self.hear = facts.heard_by(self._health.hear, Counting(registry).hear, gauges.hear)
        ProcessCollector(registry=registry)
        self._collector = _WithoutCreated(registry)

    @property
    def answers(self) -> Answers:
        """What each path answers."""
        return {
            "/live": lambda _: self._probe(self._health.report(database=None).live),
            "/ready": lambda _: self._probe(self._report().ready),
            "/progress": lambda _: self._probe(self._health.report(database=None).progress),
            HEALTH_PATH: lambda _: self._whole(self._report()),
            "/metrics": self._metrics,
        }

    def _report(self) -> HealthReport:
        return self._health.report(database=self._backlog.answer().problem)

    def _probe(self, probe: Probe) -> Answer:
        return _json(probe, ok=probe.ok)

    def _whole(self, report: HealthReport) -> Answer:
        return _json(report, ok=report.live.ok and report.ready.ok and report.progress.ok)

    def _metrics(self, accept: str) -> Answer:
        encode, content_type = choose_encoder(accept)
        return Answer(HTTPStatus.OK, content_type, encode(self._collector))


class _WithoutCreated(Collector):
    """Every counter and histogram without the time when it began, which would be half as many series again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def _json(value: object, *, ok: bool) -> Answer:
    status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, "application/json", msgspec.json.encode(value) + b"\n")
