"""`publish`, `topics`, `run`: from a file to the tables, and how a worker ends."""

from __future__ import annotations

import gzip
import json
import signal
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from clusters import Topics
from commands import Commands
from harness import rows, transition, workflow

EVENTS = [
    transition("START_PROCESSING", event_id="1"),
    transition("COMPLETE_INDEXING", event_id="2"),
    workflow("STARTED", event_id="1"),
]


def _file(foldline: Commands, name: str = "events.jsonl") -> Path:
    path = foldline.directory / name
    content = b"".join(json.dumps(event).encode() + b"\n" for event in EVENTS)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def test_a_published_file_is_projected_and_status_says_so(on_cluster: Commands, topics: Topics) -> None:
    published = on_cluster("publish", str(_file(on_cluster, "events.jsonl.gz")), "--json")
    assert published.json == {"published": 3, "topics": {topics.transitions: 2, topics.workflows: 1}}
    assert published.err == ""
    assert on_cluster("status", "--json").json["lag"] == 3
    ran = on_cluster("run", "--until-caught-up", "--json")
    assert ran.json["verdicts"] == {"applied": 3, "duplicate": 0, "rejected": 0, "undecodable": 0}
    facts = [json.loads(line)["event"] for line in ran.err.splitlines()]
    assert (facts[0], facts[-1], facts.count("partition claimed")) == ("worker started", "worker stopped", 8)
    told = on_cluster("status", "--json").json
    assert (told["lag"], told["verdicts"]["applied"]) == (0, 3)
    assert len(on_cluster("history", "INGESTION", "doc-1", "--json").json) == 2
    assert "ANOTHER GROUP" not in on_cluster("status").out
    on_cluster.set(FOLDLINE_GROUP_ID="other")
    assert on_cluster("status").out.count("CLAIMED BY ANOTHER GROUP") == 8


def test_a_line_that_is_no_event_ends_publishing_with_its_number_unless_raw(on_cluster: Commands) -> None:
    path = _file(on_cluster)
    path.write_bytes(path.read_bytes() + b"poison\n")
    refused = on_cluster("publish", str(path))
    assert (refused.code, refused.out) == (1, "")
    assert all(part in refused.err for part in ("Line 4", "3 sent", "--raw"))
    assert on_cluster("publish", str(path), "--raw").out.startswith("Published 4 records: ")


def test_topics_are_created_and_then_as_they_should_be(on_cluster: Commands, bootstrap_servers: str) -> None:
    missing = on_cluster("topics")
    assert missing.code == 1
    assert all(part in missing.err for part in ("2 of 4 topics", "foldline topics create"))
    created = on_cluster("topics", "create", "--partitions", "2", "--json").json
    assert [(topic["partitions"], topic["created"]) for topic in created] == [(4, False)] * 2 + [(2, True)] * 2
    assert on_cluster("topics", "check").code == 0
    names = [topic["name"] for topic in created if topic["created"]]
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for future in admin.delete_topics(names).values():
        future.result()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_worker_drains_on_a_signal(on_cluster: Commands, database_url: str, number: signal.Signals) -> None:
    with on_cluster.process("run") as worker:
        worker.wait_for("partition claimed", times=8)
        assert on_cluster("publish", str(_file(on_cluster))).code == 0
        worker.wait_for("batch applied", times=2)
        worker.signal(number)
        ended = worker.end()
    assert ended.code == 0
    assert ended.out.startswith("Projected 3 records: 3 applied")
    assert "worker stopped" in ended.err
    assert rows(database_url, "SELECT sum(applied)::int FROM foldline_positions") == [(3,)]


def test_a_worker_also_ends_on_a_signal_while_the_database_is_away(
    on_cluster: Commands, database_url: str, server_url: str
) -> None:
    (name,) = rows(database_url, "SELECT current_database()")[0]
    with on_cluster.process("run") as worker:
        worker.wait_for("partition claimed", times=8)
        rows(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        rows(server_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
        try:
            assert on_cluster("publish", str(_file(on_cluster))).code == 0
            worker.wait_for("batch retried", times=3)
            worker.signal(signal.SIGTERM)
            ended = worker.end()
        finally:
            rows(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert ended.code == 0
    assert rows(database_url, "SELECT sum(applied)::int FROM foldline_positions") == [(0,)]


def test_catching_up_fails_when_a_partition_stopped_and_names_it_with_the_remedy(
    on_cluster: Commands, bootstrap_servers: str, topics: Topics
) -> None:
    assert on_cluster("publish", str(_file(on_cluster))).code == 0
    partition = next(
        each["partition"]
        for each in on_cluster("status", "--json").json["partitions"]
        if each["topic"] == topics.transitions and each["lag"]
    )
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for future in admin.delete_records([TopicPartition(topics.transitions, partition, 1)]).values():
        future.result()
    ran = on_cluster("run", "--until-caught-up")
    assert ran.code == 1
    assert ran.out.startswith("Projected 1 record: 1 applied")
    last = ran.err.splitlines()[-1]
    assert last.startswith(f"foldline: {topics.transitions}[{partition}] was stopped: ")
    assert "FOLDLINE_START" in last
    on_cluster.set(FOLDLINE_START="earliest")
    assert on_cluster("run", "--until-caught-up").code == 0
