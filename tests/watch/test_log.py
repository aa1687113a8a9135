"""Facts as log lines."""

from __future__ import annotations

import io
import json
import logging
from typing import get_args

import pytest

from foldline import facts
from foldline.watch import log_listener

FACTS: list[tuple[facts.Fact, str, str]] = [
    (facts.WorkerStarted("g", "host:1", ("t",)), "info", "worker started"),
    (facts.WorkerStopped("host:1"), "info", "worker stopped"),
    (facts.WorkerFailed("host:1", "problem", "remedy"), "error", "worker failed"),
    (facts.PartitionsAssigned(("t[0]",)), "info", "partitions assigned"),
    (facts.PartitionClaimed("t[0]", 1, 2), "info", "partition claimed"),
    (facts.OwnerEnded("t[0]", "session 7"), "warning", "owner ended"),
    (facts.BlockerEnded("session 7"), "warning", "blocker ended"),
    (facts.PartitionReleased("t[0]"), "info", "partition released"),
    (facts.PartitionLost("t[0]"), "warning", "partition lost"),
    (facts.PartitionFenced("t[0]", "host:2", "g"), "warning", "partition fenced"),
    (facts.PartitionStopped("t[0]", "problem", "remedy"), "error", "partition stopped"),
    (facts.BatchApplied("t[0]", 9, 1, 2, 3, 4, 0.0125), "info", "batch applied"),
    (facts.BatchRetried("t[0]", "problem", 1, 0.25), "warning", "batch retried"),
    (facts.ClaimPostponed("t[0]", "problem", 1, 0.25), "warning", "claim postponed"),
    (facts.RecordRefused("t[0]", 7, "detail"), "error", "record refused"),
    (facts.EntityStrayed("t[0]", "INGESTION\x1b[31m"), "error", "entity strayed"),
    (facts.DatabaseAway("problem"), "warning", "database away"),
    (facts.DatabaseBack(1.5), "info", "database back"),
    (facts.BrokerTrouble("problem"), "warning", "broker trouble"),
    (facts.TracingTrouble("problem"), "warning", "tracing trouble"),
    (facts.LineTurned((facts.Standing("t[0]", 1, 2),), (), ("t[1]",)), "debug", "line turned"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("fact", "level", "event"), FACTS, ids=[event for _, _, event in FACTS])
def test_each_fact_is_one_line_of_json_with_its_level(fact: facts.Fact, level: str, event: str) -> None:
    stream = io.StringIO()
    log_listener(stream, least=logging.DEBUG)(fact)
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["event"]) == (level, event)
    assert told["time"].endswith("Z")


def test_every_fact_is_here() -> None:
    assert {type(fact) for fact, _, _ in FACTS} == set(get_args(facts.Fact))


def test_a_batch_says_how_far_it_came_what_it_held_and_how_long_it_took() -> None:
    stream = io.StringIO()
    ended = (facts.Outcomes("M", "applied", "", 1), facts.Outcomes("M", "rejected", "stale_lease", 3))
    more = (facts.Outcomes("N", "rejected", "stale_lease", 2), facts.Outcomes("", "undecodable", "invalid", 4))
    log_listener(stream)(facts.BatchApplied("t[0]", 9, 1, 2, 5, 4, 0.0126, 0.0101, ended + more, 1, ("00-x",)))
    told = json.loads(stream.getvalue())
    assert (told["partition"], told["next_offset"], told["seconds"]) == ("t[0]", 9, 0.013)
    assert told["transaction_seconds"] == 0.01
    assert told["reasons"] == {"stale_lease": 5, "invalid": 4}
    assert not {"outcomes", "traceparents", "last_timestamp_ms"} & told.keys()
    assert [told[verdict] for verdict in ("applied", "duplicate", "rejected", "undecodable")] == [1, 2, 5, 4]


def test_what_is_about_one_record_bears_its_offset_and_its_correlation_id() -> None:
    stream = io.StringIO()
    listener = log_listener(stream)
    listener(facts.RecordRefused("t[0]", 7, "detail", "c-1"))
    listener(facts.EntityStrayed("t[0]", "INGESTION doc-1 was on t[1]", 7, "c-1"))
    for line in stream.getvalue().splitlines():
        told = json.loads(line)
        assert (told["partition"], told["offset"], told["correlation_id"]) == ("t[0]", 7, "c-1")


def test_what_is_below_the_least_level_is_not_said() -> None:
    stream = io.StringIO()
    listener = log_listener(stream, least=logging.WARNING)
    for fact, _, _ in FACTS:
        listener(fact)
    assert len(stream.getvalue().splitlines()) == sum(level in ("warning", "error") for _, level, _ in FACTS)


def test_on_a_terminal_lines_are_readable_and_what_the_log_names_is_escaped() -> None:
    stream = Terminal()
    log_listener(stream)(facts.EntityStrayed("t[0]", "INGESTION\x1b[31mdoc"))
    assert "\\x1b[31mdoc" in stream.getvalue()
    assert "\x1b[31mdoc" not in stream.getvalue().replace("\\x1b", "")
