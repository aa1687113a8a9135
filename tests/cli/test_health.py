"""A worker is asked how it is, over HTTP and by `foldline health`, and what it says is what the tables say."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from prometheus_client.parser import text_string_to_metric_families

from clusters import Topics
from commands import Commands, Process
from harness import rows, transition, workflow

_LIMIT_SECONDS = 60

EVENTS = [
    transition("START_PROCESSING", event_id="1"),
    transition("START_PROCESSING", event_id="1"),
    transition("COMPLETE_INDEXING", event_id="2", lease={"lease_id": "l", "lease_epoch": 3}),
    transition("REINDEX", event_id="3", lease={"lease_id": "l", "lease_epoch": 1}),
    transition("ANY", event_id="4", fsm_type="GHOST"),
    workflow("STARTED", event_id="1"),
    workflow("STARTED", event_id="2"),
]


class Asked:
    """The endpoint of a worker."""

    def __init__(self, foldline: Commands) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        foldline.set(FOLDLINE_HTTP_LISTEN=f"127.0.0.1:{self.port}")

    def __call__(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LIMIT_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """One metric's values by those of these labels."""
        families = text_string_to_metric_families(self("/metrics")[1])
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return {tuple(sample.labels[label] for label in labels): sample.value for sample in samples}

    def until(self, name: str, total: float) -> None:
        """Ask again and again until the values of a partition's metric have this sum."""
        deadline = time.monotonic() + _LIMIT_SECONDS
        while sum(self.metrics(name, "topic", "partition").values()) != total:
            assert time.monotonic() < deadline, self("/metrics")[1]


@contextmanager
def _working(foldline: Commands) -> Iterator[Process]:
    with foldline.process("run") as worker:
        worker.wait_for("partition claimed", times=8)
        yield worker


def _publish(foldline: Commands, *lines: bytes) -> None:
    path = foldline.directory / "events.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    assert foldline("publish", "--raw", str(path)).code == 0


def test_a_worker_tells_what_the_tables_hold_and_when_the_database_is_away(
    on_cluster: Commands, topics: Topics, database_url: str, server_url: str
) -> None:
    asked = Asked(on_cluster)
    assert on_cluster("health").err.startswith(
        f"foldline: No worker answers at 127.0.0.1:{asked.port} (Connection refu"
    )
    ((name,),) = rows(database_url, "SELECT current_database()")
    with _working(on_cluster) as worker:
        _publish(on_cluster, *(json.dumps(event).encode() for event in EVENTS), b"no event")
        while on_cluster("status", "--json").json["lag"]:
            assert worker.popen.poll() is None
        asked.until("foldline_position_offset", len(EVENTS) + 1)
        _tells_the_tables(asked, topics, database_url)
        healthy = on_cluster("health")
        assert (healthy.code, healthy.out.splitlines()[:3]) == (0, ["live      yes", "ready     yes", "progress  yes"])
        report = on_cluster("health", "--json").json
        assert {each["custody"] for each in report["partitions"]} == {"held"}
        assert sum(each["next_offset"] for each in report["partitions"]) == len(EVENTS) + 1
        refused = on_cluster("run")
        assert (refused.code, "Address already in use" in refused.err) == (1, True)
        rows(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            rows(server_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
            _publish(on_cluster, json.dumps(EVENTS[0]).encode())
            worker.wait_for("batch retried")
            _is_away(asked, on_cluster)
        finally:
            rows(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        asked.until("foldline_position_offset", len(EVENTS) + 2)
        worker.signal(signal.SIGTERM)
        assert worker.end().code == 0


def _tells_the_tables(asked: Asked, topics: Topics, database_url: str) -> None:
    verdicts: Counter[str] = Counter()
    records = asked.metrics("foldline_records_total", "topic", "partition", "verdict")
    for (_, _, verdict), count in records.items():
        verdicts[verdict] += int(count)
    sums = "SELECT sum(applied)::int, sum(duplicate)::int, sum(rejected)::int, sum(undecodable)::int"
    (counted,) = rows(database_url, f"{sums} FROM foldline_positions")
    assert (
        tuple(verdicts[name] for name in ("applied", "duplicate", "rejected", "undecodable")) == counted == (3, 1, 3, 1)
    )
    assert asked.metrics("foldline_events_total", "fsm_type", "verdict", "reason") == {
        ("INGESTION", "applied", ""): 2,
        ("INGESTION", "duplicate", ""): 1,
        ("INGESTION", "rejected", "stale_lease"): 1,
        ("", "rejected", "unknown_fsm"): 1,
        ("", "applied", ""): 1,
        ("", "rejected", "illegal_workflow_event"): 1,
        ("", "undecodable", "malformed"): 1,
    }
    positions = rows(database_url, "SELECT topic, partition::text, next_offset FROM foldline_positions")
    assert asked.metrics("foldline_position_offset", "topic", "partition") == {
        (topic, number): at for topic, number, at in positions
    }
    assert set(asked.metrics("foldline_lag_records", "topic", "partition").values()) == {0}
    assert set(asked.metrics("foldline_lag_seconds", "topic", "partition").values()) == {0}
    assert asked.metrics("foldline_partitions", "custody") == {("held",): 8, ("waiting",): 0, ("stopped",): 0}
    letters = rows(database_url, "SELECT verdict, reason, count(*) FROM foldline_dead_letters GROUP BY 1, 2")
    found = asked.metrics("foldline_dead_letters_open", "verdict", "reason")
    assert found == {(verdict, reason): count for verdict, reason, count in letters}
    assert {topic for topic, _, _ in records} == {topics.transitions, topics.workflows}


def _is_away(asked: Asked, foldline: Commands) -> None:
    assert [asked(path)[0] for path in ("/live", "/ready", "/progress", "/metrics")] == [200, 503, 200, 200]
    assert asked.metrics("foldline_retries_total", "cause")["unavailable",] >= 1
    away = foldline("health")
    assert (away.code, away.out.splitlines()[1]) == (1, "ready     NO")
    assert away.err.startswith("foldline: The worker is not ready: ")
    assert foldline("health", "--live", "--progress").code == 0
    assert foldline("health", "--ready", "--json").document["ready"]["ok"] is False


def test_without_the_setting_nothing_is_asked_and_the_setting_named(foldline: Commands) -> None:
    asked = foldline("health")
    assert (asked.code, asked.out) == (1, "")
    assert asked.err.startswith("foldline: FOLDLINE_HTTP_LISTEN is not set")
    foldline.set(FOLDLINE_HTTP_LISTEN="9464")
    assert "FOLDLINE_HTTP_LISTEN in the environment is no host:port" in foldline("health").err


def test_what_answers_and_is_no_worker_is_told_from_one(foldline: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        foldline.set(FOLDLINE_HTTP_LISTEN=f"0.0.0.0:{port}")
        stranger.settimeout(_LIMIT_SECONDS)

        def answer() -> None:
            connection, _ = stranger.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK")

        thread = Thread(target=answer)
        thread.start()
        asked = foldline("health")
        thread.join()
    assert (asked.code, asked.err) == (
        1,
        f"foldline: What answers at 127.0.0.1:{port} is no worker of foldline. Correct FOLDLINE_HTTP_LISTEN.\n",
    )


def test_who_listens_and_does_not_answer_is_told_from_nobody(foldline: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # the system takes connections for it
        port = frozen.getsockname()[1]
        foldline.set(FOLDLINE_HTTP_LISTEN=f"127.0.0.1:{port}")
        asked = foldline("health")
    told = f"Something listens at 127.0.0.1:{port}, but has not answered within 3 s."
    assert (asked.code, asked.err) == (
        1,
        f"foldline: {told} If that is the worker, it is frozen or hangs: restart it.\n",
    )
