"""`foldline record` on a real log: every verdict, and every way in which there is no record."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka import Producer

from clusters import Cluster
from commands import Commands
from harness import encoded, rows, transition, workflow
from topic_changes import TopicChanges

START = transition("START_PROCESSING", event_id="1", entity_id="a doc")
REINDEX = transition("REINDEX", event_id="2", entity_id="a doc")
ABORTED = transition("FAIL", event_id="6")


def _publish(cluster: Cluster) -> None:
    """Nine offsets of one partition: 0 to 5 are records, 6 marks a commit, 7 is aborted, 8 marks that."""
    topic = cluster.topics.transitions
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    headers: Any = [("h", b"\xfe"), ("n", None)]
    producer.produce(topic, encoded(START), key=b"key", partition=0, headers=headers, timestamp=1_700_000_000_000)
    assert producer.flush(30) == 0
    cluster.publish(topic, [START, REINDEX, b"\xff\x00", transition("GO", event_id="4", fsm_type="NONE")])
    cluster.publish_in_transaction(topic, [transition("FAIL", event_id="5", success=False)], commit=True)
    cluster.publish_in_transaction(topic, [ABORTED], commit=False)
    cluster.publish(cluster.topics.workflows, [workflow("STARTED", event_id="1"), workflow("RESUMED", event_id="2")])


def test_a_record_is_told_with_what_became_of_it(cluster: Cluster, on_cluster: Commands) -> None:
    topic, workflows = cluster.topics.transitions, cluster.topics.workflows

    def story(offset: int, of: str = topic) -> Any:  # noqa: ANN401 - JSON
        return on_cluster("record", of, "0", str(offset), "--json").json

    _publish(cluster)
    unclaimed = story(0)
    assert (unclaimed["verdict"], unclaimed["incarnation"]) == (None, None)
    assert unclaimed["explanation"] == f"No worker has claimed {topic}[0] yet."
    cluster.catch_up()
    cluster.publish(topic, [transition("FAIL", event_id="7")])

    stories = [story(offset) for offset in range(10)]
    assert stories[0]["record"] == {
        "key": {"text": "key"},
        "value": {"text": json.dumps(START)},
        "headers": [{"name": "h", "value": {"hex": "fe"}}, {"name": "n", "value": None}],
        "timestamp_ms": 1_700_000_000_000,
        "timestamp": "2023-11-14T22:13:20Z",
    }
    caused = [(len(each["history"]), len(each["dead_letters"])) for each in stories]
    assert [(each["lies_there"], each["verdict"], *left) for each, left in zip(stories, caused, strict=True)] == [
        ("record", "applied", 1, 0),
        ("record", "duplicate", 0, 0),
        ("record", "rejected", 1, 1),
        ("record", "undecodable", 0, 1),
        ("record", "rejected", 0, 1),
        ("record", "applied", 1, 0),  # a failed attempt
        ("no_record", None, 0, 0),
        ("aborted", None, 0, 0),
        ("no_record", None, 0, 0),
        ("record", None, 0, 0),
    ]
    assert stories[1]["first"] == {"topic": topic, "partition": 0, "offset": 0}
    assert stories[7]["record"]["value"] == {"text": json.dumps(ABORTED)}
    assert stories[9]["explanation"] == f"It is not judged yet: {topic}[0] stands at 9."
    assert [story(offset, workflows)["verdict"] for offset in (0, 1)] == ["applied", "rejected"]
    assert len(story(0, workflows)["timeline"]) == 1

    open_transaction: list[Any] = []
    cluster.publish_in_transaction(topic, [ABORTED], commit=True, meanwhile=lambda: open_transaction.append(story(10)))
    assert [(each["lies_there"], each["record"]) for each in open_transaction] == [("uncommitted", None)]
    for words in ((topic, "0", "12"), (topic, "9", "0"), ("nowhere", "0", "0")):
        answer = on_cluster("record", *words)
        assert (answer.code, answer.out) == (1, "")
        assert f"There is no record at {words[2]} of {words[0]}[{words[1]}]." in answer.err


def test_where_kafka_has_lost_it_the_tables_still_know(cluster: Cluster, on_cluster: Commands) -> None:
    topic = cluster.topics.transitions
    changes = TopicChanges(cluster.bootstrap_servers)
    _publish(cluster)
    cluster.catch_up()
    letter = on_cluster("deadletters", "list", "--reason", "illegal_transition", "--json").json[0]["id"]
    shown = on_cluster("record", topic, "0", "2").out.splitlines()
    assert shown[0] == f"Record {topic} 0 2"
    assert shown[2:5] == ["key       k", "value", json.dumps(REINDEX)]
    assert shown[5].startswith("REJECTED: illegal_transition: ")
    assert shown[-2:] == [
        "foldline history INGESTION 'a doc'",
        f"foldline deadletters show {letter}  (now open)",
    ]

    rows(cluster.database_url, "UPDATE fsm_state SET current_state = 'FAILED'")  # it names record 0, and is not of it
    changes.delete_before(topic, 0, 3)
    gone = on_cluster("record", topic, "0", "0", "--json").json
    assert (gone["lies_there"], gone["record"], gone["verdict"]) == ("gone", None, "applied")
    assert [(row["entity_id"], row["action"]) for row in gone["history"]] == [("a doc", "START_PROCESSING")]
    assert on_cluster("record", topic, "0", "2", "--json").json["verdict"] == "rejected"
    duplicate = on_cluster("record", topic, "0", "1").out.splitlines()
    assert duplicate[1] == "Kafka no longer has it: the log begins at 3."
    assert duplicate[2] == "It was judged, if it was a record, and nothing of it is kept."

    rows(cluster.database_url, "SELECT cleanup_old_fsm_history(0)")
    kept = on_cluster("record", topic, "0", "5", "--json").json
    assert (kept["verdict"], kept["history"]) == (None, [])
    assert kept["explanation"].startswith(
        "Its event has had a verdict, by this record or one before it. Clean-ups have removed rows from before 20"
    )
    rows(cluster.database_url, "DELETE FROM foldline_identities")
    assert "Run `foldline verify`." in on_cluster("record", topic, "0", "5").out

    changes.delete(topic)
    nowhere = on_cluster("record", topic, "0", "4", "--json").json
    assert (nowhere["lies_there"], nowhere["verdict"]) == ("nowhere", "rejected")
    changes.create(topic)
