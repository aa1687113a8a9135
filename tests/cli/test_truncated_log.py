"""A log that lost its end in an unclean election and has grown again: a broker whose files go back in time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from confluent_kafka import Producer

from clusters import Cluster, Topics, run_until
from commands import Commands, cluster_settings
from foldline.core.batch import Partition
from foldline.embedded.jars import JarCache, locked_jars
from foldline.embedded.java import find_java
from foldline.embedded.kafka import Kafka
from foldline.embedded.ports import Ports
from foldline.kafka.topics import create_topics
from harness import rows, transition

_TOPICS = Topics("transitions", "workflows")
_PUBLISHED = [transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}") for n in range(30)]
_OTHERS = [transition("START_PROCESSING", event_id=str(n), entity_id=f"other-{n}") for n in range(30)]


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="foldline-truncated-") as name:
        yield Path(name).resolve()


@contextmanager
def _broker(home: Path, database_url: str) -> Iterator[Cluster]:
    jars = JarCache(Path.home() / ".cache/foldline", locked_jars()).complete(Event())
    broker = Kafka(home, Ports(home), find_java(), jars, optimising=False)
    broker.start()
    try:
        yield Cluster(database_url, broker.bootstrap_servers, _TOPICS)
    finally:
        broker.stop()


def test_a_log_that_was_cut_off_and_has_grown_beyond_our_position(
    home: Path, database_url: str, foldline: Commands
) -> None:
    topic, logs, kept = _TOPICS.transitions, home / "kafka", home / "before"
    plain, transactional = Partition(topic, 0), Partition(topic, 1)

    def publish(cluster: Cluster, first: int, last: int) -> None:
        cluster.publish(topic, _PUBLISHED[first:last])
        cluster.publish_in_transaction(topic, _OTHERS[first:last], commit=True, partition=1)
        # Answered once the transaction is over; a broker that stops before writes its marker a second time.
        Producer({"bootstrap.servers": cluster.bootstrap_servers, "transactional.id": topic}).init_transactions(30)

    with _broker(home, database_url) as cluster:
        names = (topic, _TOPICS.workflows)
        create_topics({"bootstrap.servers": cluster.bootstrap_servers}, incoming=names, outgoing=(), partitions=2)
        publish(cluster, 0, 6)
    for number in (0, 1):
        shutil.copytree(logs / f"{topic}-{number}", kept / f"{topic}-{number}")
    with _broker(home, database_url) as cluster:
        publish(cluster, 6, 10)
        cluster.catch_up()
    for number in (0, 1):
        shutil.rmtree(logs / f"{topic}-{number}")
    shutil.copytree(kept, logs, dirs_exist_ok=True)
    for checkpoint in logs.glob("*-checkpoint"):
        checkpoint.unlink()
    with _broker(home, database_url) as cluster:
        publish(cluster, 14, 30)
        with cluster.worker() as ours:
            run_until(ours, lambda: len(ours.custody.stopped) == 2)
            for partition in (plain, transactional):
                assert "records are gone that were judged" in ours.custody.stopped[partition].problem
            positions = "SELECT next_offset FROM foldline_positions WHERE next_offset > 0 ORDER BY partition"
            assert rows(database_url, positions) == [(10,), (12,)]
            foldline.set(**cluster_settings(database_url, cluster.bootstrap_servers, _TOPICS))
            answers = foldline("positions", "accept", topic, "--why", "a disk died", "--json").json
            told = [(each["from_offset"], each["to_offset"], each["another_log"]) for each in answers]
            assert told == [(10, 6, True), (12, 7, True)]
            run_until(ours, lambda: not ours.custody.stopped)
            run_until(ours, ours.until_caught_up())
    assert rows(database_url, "SELECT count(*) FROM fsm_state") == [(52,)]
