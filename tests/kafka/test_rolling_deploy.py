"""A new version of a machine, deployed while events flow: every record is judged by exactly one version."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from confluent_kafka import Producer

from clusters import Cluster
from foldline import facts
from foldline.app import Place, verified
from foldline.core.batch import Partition
from harness import REVIEW, encoded, rows, transition
from members import Join, Member, membership, short_sessions
from topic_changes import TopicChanges

V7 = REVIEW
V8 = REVIEW.replace("version: 7", "version: 8") + "  - {action: REOPEN, from: DONE, to: OPEN}\n"
ALL = {0, 1, 2, 3}

JUDGED = "SELECT DISTINCT partition FROM fsm_state_history WHERE definition_version = %s"
POSITIONS = "SELECT partition, next_offset, stopped_reason FROM foldline_positions WHERE topic = %s"
VERSIONS = """
SELECT array_agg(version ORDER BY from_offset) FROM foldline_machine_activations GROUP BY topic, partition, fsm_type
"""
NOT_BY_THE_ACTIVE_ONE = """
SELECT count(*) FROM fsm_state_history AS judged
 WHERE definition_version IS DISTINCT FROM (
     SELECT version FROM foldline_machine_activations AS active
      WHERE (active.topic, active.partition, active.fsm_type) = (judged.topic, judged.partition, judged.fsm_type)
        AND from_offset <= record_offset
      ORDER BY from_offset DESC LIMIT 1)
"""
VERDICTS = """
SELECT action, definition_version, coalesce(reason, 'applied'), count(*) FROM fsm_state_history GROUP BY 1, 2, 3
"""


class Flow:
    """Publishes two events of ever new entities to every partition in turn, until it is stopped."""

    def __init__(self, cluster: Cluster) -> None:
        self.written = 0
        self._topic = cluster.topics.transitions
        self._producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "linger.ms": 0})
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Publish no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.002):
            entity = f"review-{self.written}"
            for action in ("CLOSE", "REOPEN"):
                event = transition(action, event_id=action, fsm_type="REVIEW", entity_id=entity)
                self._producer.produce(self._topic, encoded(event), partition=self.written // 2 % len(ALL))
                self.written += 1
            assert self._producer.flush(30) == 0


@pytest.fixture
def join() -> Iterator[Join]:
    with membership() as joining:
        yield joining


@pytest.fixture
def workflow_topic(cluster: Cluster) -> Iterator[str]:
    """A topic of one partition, so that more of the group's partitions carry transitions than a worker gets."""
    name = f"{cluster.topics.workflows}.one"
    changes = TopicChanges(cluster.bootstrap_servers)
    changes.create(name, 1)
    yield name
    changes.delete(name)


def test_every_record_is_judged_by_the_one_version_that_its_partition_has_then(
    cluster: Cluster, workflow_topic: str, join: Join, tmp_path: Path
) -> None:
    def joining(name: str, text: str) -> Member:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        (directory / "review.yaml").write_text(text, encoding="utf-8")
        settings = {"machines": (directory,), "shipped_machines": "off", "workflow_topics": (workflow_topic,)}
        return join(cluster, kafka=short_sessions(cluster, "classic"), **settings)

    def judged_by(version: int) -> set[int]:
        return {number for (number,) in rows(cluster.database_url, JUDGED, version)}

    def passed() -> dict[int, int]:
        return {
            number: offset for number, offset, _ in rows(cluster.database_url, POSITIONS, cluster.topics.transitions)
        }

    with Flow(cluster) as flow:
        old = joining("v7", V7)
        old.wait_until(lambda: judged_by(7) == ALL, "version 7 on every partition")
        new = joining("v8", V8)
        new.wait_until(lambda: new.held() > 1 and new.held() + old.held() == len(ALL) + 1, "its share")
        taken = _of(new, facts.PartitionClaimed, cluster) - _of(new, facts.PartitionReleased, cluster)
        new.wait_until(lambda: judged_by(8) == taken, "version 8 on its share")

        new.leave()  # the deployment is broken off: what version 8 has judged is no longer for version 7 to judge
        old.wait_until(lambda: _of(old, facts.PartitionStopped, cluster) == taken, "being refused for those")
        problems = {fact.problem for fact in old.heard if isinstance(fact, facts.PartitionStopped)}
        assert problems == {"REVIEW version 7 is older than 8, which has judged events."}
        before = passed()
        old.wait_until(lambda: all(passed()[number] > before[number] for number in ALL - taken), "the others going on")
        assert {number: before[number] for number in taken} == {number: passed()[number] for number in taken}

        again = joining("v8", V8)
        again.wait_until(lambda: again.held() > 1, "its share again")
        old.leave()
        again.wait_until(lambda: judged_by(8) == ALL, "version 8 on every partition")
        flow.stop()
    again.wait_until(lambda: sum(passed().values()) == flow.written, "the end of the log")
    assert "version 7 is older than 8" in joining("v7", V7).end().problem
    changed = V8.replace("DONE: {final: true}", "DONE:")
    assert "version 8 is not what it was when it judged" in joining("other", changed).end().problem
    again.leave()

    assert rows(cluster.database_url, VERSIONS) == [([7, 8],)] * len(ALL)
    assert rows(cluster.database_url, NOT_BY_THE_ACTIVE_ONE) == [(0,)]
    stopped = [reason for *_, reason in rows(cluster.database_url, POSITIONS, cluster.topics.transitions)]
    assert stopped == [None] * len(ALL)
    found = Counter({tuple(row[:3]): row[3] for row in rows(cluster.database_url, VERDICTS)})
    assert found.keys() == {
        ("CLOSE", 7, "applied"),
        ("CLOSE", 8, "applied"),
        ("REOPEN", 7, "unknown_action"),
        ("REOPEN", 8, "applied"),
    }
    assert found.total() == flow.written, "every record has one verdict"
    place = Place(cluster.settings(workflow_topics=(workflow_topic,)), None)  # without either of the machines
    replayed = verified(place, share=1.0, most=9, announce=lambda _fact: None)
    assert (replayed.clean, replayed.records) == (True, flow.written), replayed.differences


def _of(member: Member, kind: type[facts.Fact], cluster: Cluster) -> set[int]:
    """The numbers of the transition partitions that it has announced this of."""
    named = {str(Partition(cluster.topics.transitions, number)): number for number in ALL}
    return {named[name] for fact in member.all(kind) if (name := getattr(fact, "partition", None)) in named}
