"""`foldline correct`: from the command to the verdict, on the real broker, with a worker that is there or not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clusters import Cluster, read_topic
from commands import Commands
from foldline.cli.who import who
from harness import rows, transition

START = transition("START_PROCESSING", event_id="start")
REFUSES = """
fsm_type: SEALED
version: 1
initial: OPEN
corrections: refused
states:
  OPEN:
transitions:
  - {action: GO, from: OPEN, to: OPEN}
"""


@contextmanager
def _worker(cluster: Cluster) -> Iterator[None]:
    """A worker that projects meanwhile."""
    over, up = threading.Event(), threading.Event()

    def stopping() -> bool:
        up.set()
        return over.is_set()

    def work() -> None:
        with cluster.worker() as ours:
            ours.worker.run(stopping)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert up.wait(60)
        yield
    finally:
        over.set()
        thread.join()


def test_a_correction_goes_where_the_entity_s_events_lie_and_its_verdict_is_told(
    on_cluster: Commands, cluster: Cluster
) -> None:
    cluster.publish(cluster.topics.transitions, [START], partition=1)  # not where its key would have it
    cluster.catch_up()
    with _worker(cluster):
        done = on_cluster("correct", "INGESTION", "doc-1", "--to", "INDEXED", "--why", "indexed by hand", "--json").json
        assert (done["verdict"], done["from_state"], done["to_state"]) == ("applied", "PROCESSING", "INDEXED")
        assert (done["partition"], done["offset"]) == (1, 1)
        told = on_cluster("correct", "INGESTION", "doc-1", "--to", "FAILED", "--why", "no", "--correlation-id", "t-7")
        assert told.out == (
            f"Corrected: INGESTION doc-1 from INDEXED to FAILED, by {cluster.topics.transitions} 1 2.\n"
        )
        unmet = on_cluster(
            *("correct", "INGESTION", "doc-1", "--from", "INDEXED", "--to", "RECEIVED", "--why", "no", "--json")
        )
        assert (unmet.code, unmet.document["reason"]) == (1, "from_state_mismatch")
        assert "was rejected: from_state_mismatch: the event expects INDEXED" in unmet.err
        words = ("correct", "INGESTION", "new", "--to", "INDEXED", "--why", "it was there before")
        mistyped = on_cluster(*words)
        assert (mistyped.code, "Nothing is known of INGESTION new. Is its id right?" in mistyped.err) == (1, True)
        assert on_cluster(*words, "--new").code == 0
        assert on_cluster("verify").code == 0
    records = read_topic(cluster.bootstrap_servers, cluster.topics.transitions)
    assert [each.key() for each in records if each.partition() == 1] == [b"k", b"doc-1", b"doc-1", b"doc-1"]
    history = rows(
        cluster.database_url,
        "SELECT to_state, action, success, correlation_id = 't-7', error_message, metadata->>'corrected_by'"
        " FROM fsm_state_history WHERE entity_id = 'doc-1' ORDER BY id",
    )
    assert history[1] == ("INDEXED", "CORRECT", True, False, "indexed by hand", who())
    assert history[2] == ("FAILED", "CORRECT", True, True, "no", who())
    assert (history[3][2], rows(cluster.database_url, "SELECT count(*) FROM fsm_state")) == (False, [(2,)])


def test_without_a_worker_it_says_where_the_correction_lies_and_that_it_will_be_projected(
    on_cluster: Commands, cluster: Cluster
) -> None:
    words = ("correct", "INGESTION", "doc-1", "--to", "INDEXED", "--why", "no", "--new")
    late = on_cluster(*words, "--wait", "0.3", "--json")
    assert (late.code, late.document["verdict"]) == (1, None)
    assert f" {late.document['offset']}, and was not projected within 0.3 s. It will be" in late.err
    cluster.catch_up()
    assert rows(cluster.database_url, "SELECT current_state FROM fsm_state") == [("INDEXED",)]
    rows(cluster.database_url, "UPDATE foldline_positions SET stopped_reason = 'Broken.' WHERE next_offset > 0")
    stopped = on_cluster("correct", "INGESTION", "doc-1", "--to", "FAILED", "--why", "no")
    assert stopped.code == 1
    assert "its partition has stopped: Broken." in stopped.err
    on_cluster.set(FOLDLINE_TRANSITION_TOPICS="another")
    elsewhere = on_cluster("correct", "INGESTION", "doc-1", "--to", "FAILED", "--why", "no")
    assert elsewhere.code == 1
    assert "FOLDLINE_TRANSITION_TOPICS does not name that topic" in elsewhere.err
    assert len(read_topic(cluster.bootstrap_servers, cluster.topics.transitions)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("INGESTON", "doc-1", "--to", "INDEXED", "--why", "w"), "No machine INGESTON is loaded. Did you mean"),
        (("INGESTION", "doc-1", "--to", "INDEXD", "--why", "w"), "INGESTION has no state INDEXD. Did you mean"),
        (("INGESTION", "doc-1", "--to", "INDEXED", "--from", "X", "--why", "w"), "INGESTION has no state X."),
        (("SEALED", "doc-1", "--to", "OPEN", "--why", "w"), "SEALED refuses corrections."),
        (("INGESTION", "doc-1", "--to", "INDEXED", "--why", ""), "--why is empty"),
        (("INGESTION", "", "--to", "INDEXED", "--why", "w"), "entity_id: "),
        (("INGESTION", "d" * 256, "--to", "INDEXED", "--why", "w"), "entity_id: "),
        (("INGESTION", "doc-1", "--to", "INDEXED"), "--why"),
    ],
)
def test_what_would_be_rejected_for_sure_is_not_published(
    foldline: Commands, words: tuple[str, ...], said: str
) -> None:
    directory = foldline.directory / "machines"
    directory.mkdir()
    (directory / "sealed.yaml").write_text(REFUSES, encoding="utf-8")
    foldline.set(
        FOLDLINE_MACHINES=str(directory),
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
    )
    refused = foldline("correct", *words)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err
