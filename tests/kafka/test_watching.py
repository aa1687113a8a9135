"""What a worker on the real broker tells of itself: the ends of its log, and where its records came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from confluent_kafka import Producer

from clusters import Cluster, run_until
from foldline import facts
from foldline.kafka.topics import create_topics
from harness import encoded, transition
from members import PROTOCOLS, short_sessions

_TRACE, _SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_an_open_transaction_is_no_lag(cluster: Cluster) -> None:
    topic = cluster.topics.transitions
    cluster.publish(topic, [transition("START_PROCESSING", event_id=str(number)) for number in range(3)])
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, encoded(transition("REINDEX")), key=b"k", partition=0)
    assert producer.flush(30) == 0

    def stands(next_offset: int, end: int) -> bool:
        turned = [fact for fact in cluster.announced if isinstance(fact, facts.LineTurned)]
        return bool(turned) and facts.Standing(f"{topic}[0]", next_offset, end) in turned[-1].held

    with cluster.worker() as ours:
        run_until(ours, lambda: stands(3, 3))
        producer.commit_transaction(30)
        run_until(ours, lambda: stands(5, 5))


@contextmanager
def _collector(bodies: list[bytes]) -> Iterator[int]:
    """Whoever takes spans; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base calls it so
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_spans_of_batches_lead_back_to_where_their_records_were_published(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    headers: list[tuple[str, str | bytes | None]] = [("traceparent", f"00-{_TRACE}-{_SPAN}-01".encode())]
    producer.produce(cluster.topics.transitions, encoded(transition("START_PROCESSING")), partition=0, headers=headers)
    assert producer.flush(30) == 0
    bodies: list[bytes] = []
    with _collector(bodies) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        cluster.catch_up()
    assert any(bytes.fromhex(_TRACE) in body and b"project " in body for body in bodies)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_worker_in_reserve_hears_that_there_is_nothing_for_it(
    cluster: Cluster, topic_name: Callable[[], str], protocol: str
) -> None:
    one, other = topic_name(), topic_name()
    create_topics({"bootstrap.servers": cluster.bootstrap_servers}, incoming=(one, other), outgoing=(), partitions=1)
    kafka = short_sessions(cluster, protocol, one)
    changes = {"transition_topics": (one,), "workflow_topics": (other,), "group_id": one, "kafka": kafka}
    members = [replace(cluster, announced=[]) for _ in range(3)]
    with ExitStack() as stack:
        workers = [stack.enter_context(member.worker(**changes)) for member in members]

        def all_answered() -> bool:
            for each in workers[1:]:
                each.worker.turn()
            return all(
                any(isinstance(fact, facts.PartitionsAssigned) for fact in member.announced) for member in members
            )

        run_until(workers[0], all_answered)
        assert sum(each.custody.held for each in workers) <= 2
