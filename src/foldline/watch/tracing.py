"""Batches as OpenTelemetry spans, each linked to those that its records were published in. Needs the extra `otel`.

A batch has as many parents as records, so its span continues none of their traces: it is a root with links.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from threading import Thread

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from foldline import facts
from foldline.watch.counting import topic_and_number

_LAST_EXPORT_SECONDS = 3.0
_NANOSECONDS = 1_000_000_000
_UNKNOWN_SERVICE = "unknown_service"
_VALUES = re.compile(r"%(\(\w+\))?[-#0 +.\d]*[a-z]")


class Tracing:
    """Makes a span of every batch.

    Args:
        processor: where spans go.
        announce: told of trouble with exporting them.
        wall: the time of day, in seconds since 1970.
    """

    def __init__(self, processor: SpanProcessor, announce: facts.Announce, wall: Callable[[], float]) -> None:
        self.provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self.provider.add_span_processor(processor)
        self._tracer = self.provider.get_tracer("foldline", version("foldline"))
        self._announce = announce
        self._wall = wall
        self._group_id = ""
        self.troubles: deque[str] = deque(maxlen=1)

    def hear(self, fact: facts.Fact) -> None:
        """Make a span of a batch; the SDK exports it in a thread of its own, and rather drops it than waits."""
        match fact:
            case facts.WorkerStarted(group_id=group_id):
                self._group_id = group_id
            case facts.BatchApplied():
                self._span(fact)
            case facts.LineTurned() if self.troubles:
                self._announce(facts.TracingTrouble(self.troubles.pop()))
            case _:
                pass

    def _span(self, fact: facts.BatchApplied) -> None:
        topic, number = topic_and_number(fact.partition)
        ended = self._wall()
        span = self._tracer.start_span(
            f"project {topic}",
            context=Context(),
            kind=SpanKind.CONSUMER,
            links=links(fact.traceparents),
            start_time=int((ended - fact.seconds) * _NANOSECONDS),
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "project",
                "messaging.operation.type": "process",
                "messaging.destination.name": topic,
                "messaging.destination.partition.id": number,
                "messaging.consumer.group.name": self._group_id,
                "messaging.batch.message_count": fact.records,
                "foldline.next_offset": fact.next_offset,
                "foldline.transaction_seconds": fact.transaction_seconds,
                **{f"foldline.{verdict}": records for verdict, records in fact.verdicts.items()},
            },
        )
        span.end(int(ended * _NANOSECONDS))


@contextmanager
def tracing(announce: facts.Announce, wall: Callable[[], float]) -> Iterator[facts.Announce]:
    """Export over OTLP as the OTEL_ variables say; yields who has to hear of the worker. Ends in bounded time."""
    exporter = OTLPSpanExporter()
    ours = Tracing(BatchSpanProcessor(exporter), announce, wall)
    listening = _Troubles(ours.troubles)
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(listening)
    propagated, logger.propagate = logger.propagate, False
    try:
        yield ours.hear
    finally:
        ending = Thread(target=ours.provider.shutdown, name="foldline-last-spans", daemon=True)
        ending.start()
        ending.join(_LAST_EXPORT_SECONDS)
        if ending.is_alive():
            exporter.shutdown()  # type: ignore[no-untyped-call]  # the library's
        logger.removeHandler(listening)
        logger.propagate = propagated


def links(traceparents: Sequence[str]) -> list[Link]:
    """A link for each that is a traceparent; what is none is passed over."""
    found = (
        get_current_span(TraceContextTextMapPropagator().extract({"traceparent": each}, Context())).get_span_context()
        for each in traceparents
    )
    return [Link(context) for context in found if context.is_valid]


class _Troubles(logging.Handler):
    """Keeps what the SDK last complained of, for the line's thread to announce. Without values: they may be secret."""

    def __init__(self, troubles: deque[str]) -> None:
        super().__init__(logging.WARNING)
        self._troubles = troubles

    def emit(self, record: logging.LogRecord) -> None:
        self._troubles.append(_VALUES.sub("...", str(record.msg)))


def _resource() -> Resource:
    """What the variables say of this service, and our name where they say none."""
    said = Resource.create({SERVICE_VERSION: version("foldline")})
    named = str(said.attributes.get(SERVICE_NAME, _UNKNOWN_SERVICE))
    return said.merge(Resource({SERVICE_NAME: "foldline"})) if named.startswith(_UNKNOWN_SERVICE) else said
