"""The metrics of a worker: names, kinds, labels and meaning. docs/reference/metrics.md is generated from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000)
_PARTITION = ("topic", "partition")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `buckets` are those of a histogram."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


RECORDS = Metric(
    "foldline_records_total",
    "counter",
    "Records with their verdict: applied, duplicate, rejected or undecodable.",
    (*_PARTITION, "verdict"),
)
EVENTS = Metric(
    "foldline_events_total",
    "counter",
    "The same records by machine and reason. `fsm_type` is that of a loaded machine; it is empty for workflow events,"
    " for what is no event, and for names that no machine has. `reason` is that of a dead letter, else empty.",
    ("fsm_type", "verdict", "reason"),
)
BATCH_SECONDS = Metric(
    "foldline_batch_seconds",
    "histogram",
    "From polling a batch to the answer to its COMMIT.",
    buckets=_SECONDS,
)
TRANSACTION_SECONDS = Metric(
    "foldline_transaction_seconds",
    "histogram",
    "How long the transaction of a batch took; the next batch is folded meanwhile.",
    buckets=_SECONDS,
)
BATCH_RECORDS = Metric("foldline_batch_records", "histogram", "Records in a batch.", buckets=_SIZES)
CLAIMS = Metric("foldline_claims_total", "counter", "Partitions claimed.")
CLAIMS_POSTPONED = Metric(
    "foldline_claims_postponed_total", "counter", "Claims that had to wait, or partitions that had to be claimed again."
)
FENCES = Metric("foldline_fences_total", "counter", "Partitions lost to another owner that had claimed them.")
STOPS = Metric("foldline_stops_total", "counter", "Partitions stopped, to wait for a person.")
OWNERS_ENDED = Metric(
    "foldline_owners_ended_total", "counter", "Sessions of frozen owners that had to be ended to claim a partition."
)
RETRIES = Metric(
    "foldline_retries_total",
    "counter",
    "Batches that had to wait or to be folded again. `cause` is `unavailable` (a server is away or cannot take"
    " it now) or `stale` (rows had changed since they were read).",
    ("cause",),
)
STRAYS = Metric(
    "foldline_strayed_entities_total", "counter", "Entities that showed up on a second partition: their order is lost."
)
BROKER_TROUBLES = Metric(
    "foldline_broker_troubles_total",
    "counter",
    "Troubles that the Kafka client reported; the same counts once in half a minute at most.",
)
PARTITIONS = Metric(
    "foldline_partitions",
    "gauge",
    "Partitions that the group gave to this worker, by `custody`: held, waiting (to be claimed) or stopped (waits for a"
    " person).",
    ("custody",),
)
POSITION = Metric("foldline_position_offset", "gauge", "The next offset of each partition that is held.", _PARTITION)
POSITION_AGE = Metric(
    "foldline_position_age_seconds",
    "gauge",
    "How long the position has been where it is, also when there is nothing left to pass.",
    _PARTITION,
)
LAG_RECORDS = Metric(
    "foldline_lag_records",
    "gauge",
    "Offsets between the position and the end of the log for a reader of committed records, as the client knows it.",
    _PARTITION,
)
LAG_SECONDS = Metric(
    "foldline_lag_seconds",
    "gauge",
    "For how long the oldest record that is left has been waiting, at most: counted from the timestamp of the last"
    " record passed, or from when nothing was left, whichever is later. 0 when nothing is left.",
    _PARTITION,
)
HEALTHY = Metric(
    "foldline_healthy", "gauge", "1 where the answer to a `probe` (live, ready, progress) is yes, else 0.", ("probe",)
)
DEAD_LETTERS_OPEN = Metric(
    "foldline_dead_letters_open",
    "gauge",
    "Dead letters that nobody has redriven or dropped, of the whole database: every worker tells the same.",
    ("verdict", "reason"),
)
DEAD_LETTERS_AGE = Metric(
    "foldline_dead_letters_oldest_age_seconds",
    "gauge",
    "How long the oldest open dead letter has been waiting; 0 if there is none. Of the whole database.",
)
BUILD = Metric("foldline_build_info", "gauge", "Always 1; the labels say what runs.", ("version", "python"))

METRICS = (
    RECORDS,
    EVENTS,
    LAG_RECORDS,
    LAG_SECONDS,
    POSITION,
    POSITION_AGE,
    BATCH_SECONDS,
    TRANSACTION_SECONDS,
    BATCH_RECORDS,
    PARTITIONS,
    HEALTHY,
    CLAIMS,
    CLAIMS_POSTPONED,
    FENCES,
    OWNERS_ENDED,
    STOPS,
    RETRIES,
    STRAYS,
    BROKER_TROUBLES,
    DEAD_LETTERS_OPEN,
    DEAD_LETTERS_AGE,
    BUILD,
)
"""All of them, in the order in which people read them."""
