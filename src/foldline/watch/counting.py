"""What adds up: counters and histograms, from the facts as they come."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from foldline import facts
from foldline.watch import metric
from foldline.watch.metric import Metric


class Counting:
    """Counts in a registry of ours; nothing of prometheus-client's that is global is touched."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(definition: Metric) -> Counter:
            return Counter(definition.name, definition.meaning, definition.labels, registry=registry)

        def histogram(definition: Metric) -> Histogram:
            return Histogram(definition.name, definition.meaning, buckets=definition.buckets, registry=registry)

        self._records = counter(metric.RECORDS)
        self._events = counter(metric.EVENTS)
        self._batch_seconds = histogram(metric.BATCH_SECONDS)
        self._transaction_seconds = histogram(metric.TRANSACTION_SECONDS)
        self._batch_records = histogram(metric.BATCH_RECORDS)
        self._retries = counter(metric.RETRIES)
        self._plain: dict[type[facts.Fact], Counter] = {
            facts.PartitionClaimed: counter(metric.CLAIMS),
            facts.ClaimPostponed: counter(metric.CLAIMS_POSTPONED),
            facts.PartitionFenced: counter(metric.FENCES),
            facts.PartitionStopped: counter(metric.STOPS),
            facts.OwnerEnded: counter(metric.OWNERS_ENDED),
            facts.EntityStrayed: counter(metric.STRAYS),
            facts.BrokerTrouble: counter(metric.BROKER_TROUBLES),
        }

    def hear(self, fact: facts.Fact) -> None:
        """Count it."""
        match fact:
            case facts.BatchApplied():
                self._batch(fact)
            case facts.BatchRetried(cause=cause):
                self._retries.labels(cause).inc()
            case _ if (plain := self._plain.get(type(fact))) is not None:
                plain.inc()
            case _:
                pass

    def _batch(self, fact: facts.BatchApplied) -> None:
        topic, number = topic_and_number(fact.partition)
        for verdict, records in fact.verdicts.items():
            if records:
                self._records.labels(topic, number, verdict).inc(records)
        for each in fact.outcomes:
            self._events.labels(each.fsm_type, each.verdict, each.reason).inc(each.events)
        self._batch_seconds.observe(fact.seconds)
        self._transaction_seconds.observe(fact.transaction_seconds)
        self._batch_records.observe(fact.records)


def topic_and_number(partition: str) -> tuple[str, str]:
    """`fsm.transitions.v1[0]` as labels have it; no topic has a bracket in its name."""
    topic, _, number = partition.removesuffix("]").rpartition("[")
    return topic, number
