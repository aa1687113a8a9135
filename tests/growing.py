"""A log that grows while workers project it, and whether they have: every record is an entity's first hop."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import Producer

from clusters import Cluster
from harness import encoded, rows, transition

_LOOKS = 3000
_POSITIONS = """
SELECT coalesce(sum(next_offset), 0)::int FROM foldline_positions, pg_sleep(%s) WHERE topic = %s
"""
_EVERY_HOP = "SELECT count(*), count(DISTINCT entity_id) FROM fsm_state_history"


@dataclass
class Log:
    """First hops of entities, each its own, spread over the partitions of the transition topic."""

    cluster: Cluster
    written: int = 0

    def grow(self, each: int = 2) -> None:
        """Append so many to each partition."""
        producer = Producer({"bootstrap.servers": self.cluster.bootstrap_servers, "linger.ms": 0})
        for number in range(4 * each):
            event = transition("START_PROCESSING", event_id="1", entity_id=f"doc-{self.written}")
            producer.produce(self.cluster.topics.transitions, encoded(event), partition=number % 4)
            self.written += 1
        assert producer.flush(30) == 0

    def passed(self) -> bool:
        """Whether the positions have passed over all of them."""
        return self._positions(0) == self.written

    def check(self) -> None:
        """Every one of them is applied exactly once."""
        assert rows(self.cluster.database_url, _EVERY_HOP) == [(self.written, self.written)]

    def wait_until_passed(self) -> None:
        """Look again and again, for a minute."""
        for _ in range(_LOOKS):
            if self._positions(0.02) == self.written:
                return
        raise AssertionError(f"the positions have not passed over {self.written} records")

    def _positions(self, after: float) -> int:
        ((passed,),) = rows(self.cluster.database_url, _POSITIONS, after, self.cluster.topics.transitions)
        return int(passed)
