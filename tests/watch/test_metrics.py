"""Metrics as a scraper reads them, with clocks that the test turns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from foldline import facts
from foldline.watch import Backlog, Limits, Watching
from foldline.watch.metric import METRICS

HERE = "fsm.transitions.v1[3]"
LABELS = {"topic": "fsm.transitions.v1", "partition": "3"}


class Scraped:
    """A worker's facts, and what a scraper makes of them."""

    def __init__(self, backlog: Backlog | None = None) -> None:
        self.monotonic = 500.0
        self.wall = 1_000_000.0
        found = backlog or Backlog(
            letters=(("rejected", "stale_lease", 2), ("undecodable", "invalid", 1)), oldest_seconds=9
        )
        self.watching = Watching(
            Limits(60, 300), lambda: found, monotonic=lambda: self.monotonic, wall=lambda: self.wall
        )

    def hear(self, *told: facts.Fact) -> None:
        for fact in told:
            self.watching.hear(fact)

    def stands(self, next_offset: int, end: int | None) -> None:
        self.hear(facts.LineTurned((facts.Standing(HERE, next_offset, end),), ("t[1]",), ()))

    def passes(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def text(self, accept: str = "") -> str:
        return self.watching.answers["/metrics"](accept).body.decode()

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        found = [value for each, its, value in self.samples() if each == name and its == labels]
        assert len(found) < 2
        return found[0] if found else None


def applied(last_timestamp_ms: int | None = None) -> facts.BatchApplied:
    outcomes = (
        facts.Outcomes("INGESTION", "applied", "", 4),
        facts.Outcomes("INGESTION", "rejected", "stale_lease", 2),
        facts.Outcomes("", "undecodable", "invalid", 1),
    )
    return facts.BatchApplied(HERE, 9, 4, 0, 2, 1, 0.3, 0.02, outcomes, last_timestamp_ms)


def test_a_batch_is_counted_by_partition_and_verdict_by_machine_and_reason_and_in_histograms() -> None:
    scraped = Scraped()
    scraped.hear(applied(), applied())
    assert scraped("foldline_records_total", verdict="applied", **LABELS) == 8
    assert scraped("foldline_records_total", verdict="duplicate", **LABELS) is None
    assert scraped("foldline_events_total", fsm_type="INGESTION", verdict="rejected", reason="stale_lease") == 4
    assert scraped("foldline_events_total", fsm_type="", verdict="undecodable", reason="invalid") == 2
    assert scraped("foldline_batch_seconds_count") == 2
    assert scraped("foldline_batch_seconds_bucket", le="0.25") == 0
    assert scraped("foldline_transaction_seconds_sum") == pytest.approx(0.04)
    assert scraped("foldline_batch_records_sum") == 14


def test_what_happens_to_partitions_is_counted() -> None:
    scraped = Scraped()
    scraped.hear(
        facts.PartitionClaimed(HERE, 1, 2),
        facts.ClaimPostponed(HERE, "problem", 1, 0.5),
        facts.PartitionFenced(HERE, "host:2", "g"),
        facts.PartitionStopped(HERE, "problem", "remedy"),
        facts.OwnerEnded(HERE, "session"),
        facts.EntityStrayed(HERE, "entity"),
        facts.BrokerTrouble("problem"),
        facts.BatchRetried(HERE, "problem", 1, 0.1, "stale"),
        facts.BatchRetried(HERE, "problem", 1, 0.1, "unavailable"),
        facts.BatchRetried(HERE, "problem", 2, 0.1, "unavailable"),
    )
    for name in (
        "claims",
        "claims_postponed",
        "fences",
        "stops",
        "owners_ended",
        "strayed_entities",
        "broker_troubles",
    ):
        assert scraped(f"foldline_{name}_total") == 1
    assert scraped("foldline_retries_total", cause="unavailable") == 2
    assert scraped("foldline_retries_total", cause="stale") == 1


def test_a_partition_shows_where_it_stands_as_long_as_it_is_held() -> None:
    scraped = Scraped()
    scraped.stands(7, 10)
    scraped.passes(30)
    scraped.stands(7, 12)
    assert scraped("foldline_position_offset", **LABELS) == 7
    assert scraped("foldline_position_age_seconds", **LABELS) == 30
    assert scraped("foldline_lag_records", **LABELS) == 5
    assert scraped("foldline_partitions", custody="held") == 1
    assert scraped("foldline_partitions", custody="waiting") == 1
    assert scraped("foldline_partitions", custody="stopped") == 0
    scraped.stands(7, None)
    assert scraped("foldline_lag_records", **LABELS) is None
    scraped.hear(facts.LineTurned((), (), (HERE,)))
    assert scraped("foldline_position_offset", **LABELS) is None
    assert scraped("foldline_partitions", custody="stopped") == 1


def test_lag_in_seconds_counts_from_the_last_record_passed_or_from_when_nothing_was_left() -> None:
    scraped = Scraped()
    scraped.stands(7, 10)
    assert scraped("foldline_lag_seconds", **LABELS) is None
    scraped.hear(applied(last_timestamp_ms=int((scraped.wall - 86_400) * 1000)))
    scraped.stands(9, 10)
    assert scraped("foldline_lag_seconds", **LABELS) == 86_400
    scraped.stands(10, 10)
    scraped.passes(3600)
    scraped.stands(10, 10)
    assert scraped("foldline_lag_seconds", **LABELS) == 0
    scraped.passes(20)
    scraped.stands(10, 11)
    assert scraped("foldline_lag_seconds", **LABELS) == 20


def test_a_record_from_the_future_does_not_make_the_lag_negative() -> None:
    scraped = Scraped()
    scraped.hear(applied(last_timestamp_ms=int((scraped.wall + 60) * 1000)))
    scraped.stands(9, 10)
    assert scraped("foldline_lag_seconds", **LABELS) == 0


def test_dead_letters_are_told_as_the_database_last_said() -> None:
    scraped = Scraped()
    assert scraped("foldline_dead_letters_open", verdict="rejected", reason="stale_lease") == 2
    assert scraped("foldline_dead_letters_oldest_age_seconds") == 9
    none = Scraped(Backlog(letters=()))
    assert none("foldline_dead_letters_oldest_age_seconds") == 0


def test_a_database_that_is_away_leaves_its_metrics_out_and_nothing_else() -> None:
    scraped = Scraped(Backlog(problem="away"))
    scraped.hear(facts.PartitionsAssigned(()))
    assert scraped("foldline_dead_letters_oldest_age_seconds") is None
    assert "foldline_dead_letters_open" not in {name for name, _, _ in scraped.samples()}
    assert scraped("foldline_healthy", probe="ready") == 0
    assert scraped("foldline_healthy", probe="live") == 1


def test_every_metric_has_its_help_and_its_kind_and_none_is_there_that_is_not_defined() -> None:
    scraped = Scraped()
    scraped.hear(applied(), facts.BatchRetried(HERE, "problem", 1, 0.1))
    scraped.stands(9, 9)
    text = scraped.text()
    for each in METRICS:
        assert f"# HELP {each.name} " in text
        assert f"# TYPE {each.name} {each.kind}\n" in text
    defined = {each.name for each in METRICS}
    typed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE foldline_")}
    assert typed == defined
    assert "_created" not in text


def test_openmetrics_is_spoken_to_whoever_asks_for_it() -> None:
    answer = Scraped().watching.answers["/metrics"]("application/openmetrics-text; version=1.0.0")
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")
