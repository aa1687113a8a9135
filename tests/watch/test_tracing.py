"""Spans of batches, as OpenTelemetry's SDK would export them."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from foldline import facts
from foldline.errors import SettingError
from foldline.watch import traces_wanted
from foldline.watch.tracing import Tracing, links, tracing

_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_MALFORMED = (
    "",
    "x",
    "\ufffd",
    _PARENT.upper(),
    _PARENT[:-1],
    _PARENT + "-more",
    "ff" + _PARENT[2:],
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
)
BATCH = facts.BatchApplied("fsm.transitions.v1[3]", 9, 4, 0, 2, 1, 0.5, 0.25, (), None, (_PARENT, *_MALFORMED))


def test_a_batch_is_a_span_with_links_to_those_of_its_records() -> None:
    exporter = InMemorySpanExporter()
    ours = Tracing(SimpleSpanProcessor(exporter), lambda _: None, lambda: 1000.5)
    ours.hear(facts.WorkerStarted("the-group", "host:1", ("t",)))
    ours.hear(BATCH)
    ours.hear(BATCH)
    span, other = exporter.get_finished_spans()
    assert (span.name, span.kind, span.parent) == ("project fsm.transitions.v1", SpanKind.CONSUMER, None)
    assert (span.start_time, span.end_time) == (1_000_000_000_000, 1_000_500_000_000)
    assert [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links] == [_PARENT[3:-3]]
    assert span.context.trace_id != other.context.trace_id
    assert span.attributes is not None
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "project",
        "messaging.operation.type": "process",
        "messaging.destination.name": "fsm.transitions.v1",
        "messaging.destination.partition.id": "3",
        "messaging.consumer.group.name": "the-group",
        "messaging.batch.message_count": 7,
        "foldline.next_offset": 9,
        "foldline.transaction_seconds": 0.25,
        "foldline.applied": 4,
        "foldline.duplicate": 0,
        "foldline.rejected": 2,
        "foldline.undecodable": 1,
    }
    assert span.resource.attributes["service.name"] == "foldline"


@pytest.mark.parametrize("malformed", _MALFORMED)
def test_a_malformed_traceparent_is_passed_over(malformed: str) -> None:
    assert links([malformed]) == []


def test_as_many_links_are_kept_as_a_batch_tells() -> None:
    exporter = InMemorySpanExporter()
    ours = Tracing(SimpleSpanProcessor(exporter), lambda _: None, lambda: 0.0)
    many = tuple(f"00-{number:032x}-{number:016x}-00" for number in range(1, 129))
    ours.hear(facts.BatchApplied("t[0]", 9, 128, 0, 0, 0, 0.1, 0.1, (), None, many))
    assert len(exporter.get_finished_spans()[0].links) == 128


def test_trouble_with_exporting_is_announced_by_the_line_and_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    told: list[facts.Fact] = []
    with tracing(told.append, lambda: 0.0) as hear:
        logging.getLogger("opentelemetry.any").error("Failed to export to %s, code: %d", "secret", 5)
        assert told == []
        hear(facts.LineTurned((), (), ()))
        hear(facts.LineTurned((), (), ()))
    assert told == [facts.TracingTrouble("Failed to export to ..., code: ...")]


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
    ids=str,
)
def test_traces_are_wanted_where_the_variables_name_somewhere_to_send_them(
    environment: dict[str, str],
    wanted: bool,  # noqa: FBT001 - an expectation
) -> None:
    assert traces_wanted(environment) is wanted


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
    ],
)
def test_what_the_extra_does_not_have_is_refused(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=f"^{named} asks for another"):
        traces_wanted(environment)


def test_nothing_of_it_is_imported_unless_it_is_wanted() -> None:
    program = "import sys, foldline.cli; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
