"""`foldline verify` on a real log: what it prints, how it ends, and logs that are not whole any more."""

from __future__ import annotations

from clusters import Cluster
from commands import Commands
from harness import rows, transition, workflow
from roles import Users
from topic_changes import TopicChanges

START, INDEX = transition("START_PROCESSING", event_id="1"), transition("COMPLETE_INDEXING", event_id="2")
OTHER = transition("START_PROCESSING", event_id="3", entity_id="doc-2")


def _projected(cluster: Cluster) -> None:
    """Three partitions with something in them; control records at the end of one, and aborted ones in another."""
    transitions = cluster.topics.transitions
    cluster.publish(transitions, [START, b"no json", START])
    cluster.publish_in_transaction(transitions, [INDEX], commit=True)
    cluster.publish(transitions, [OTHER], partition=1)
    cluster.publish_in_transaction(transitions, [START], commit=False, partition=1)
    cluster.publish(cluster.topics.workflows, [workflow("STARTED", event_id="1"), workflow("RESUMED", event_id="2")])
    cluster.catch_up()


def test_clean_tables_end_with_0_and_a_difference_or_strictly_a_change_by_hand_with_1(
    cluster: Cluster, on_cluster: Commands
) -> None:
    _projected(cluster)
    clean = on_cluster("verify")
    assert clean.code == 0
    first, second = clean.out.splitlines()
    assert first.endswith("7 records of 8 partitions, 2 entities, 1 workflows.")
    assert second == "Clean: what the log decides is in the tables as the log has it."

    rows(cluster.database_url, "UPDATE fsm_state SET current_state = 'FAILED' WHERE entity_id = 'doc-2'")
    lenient = on_cluster("verify", "--json")
    assert (lenient.code, lenient.json["clean"], lenient.json["whole"]) == (0, True, True)
    (change,) = lenient.json["manual"]
    assert (change["from_state"], change["to_state"], change["subject"]["offset"]) == ("PROCESSING", "FAILED", 0)
    strict = on_cluster("verify", "--strict")
    assert strict.code == 1
    assert "1 state changed by hand. Without --strict they are only listed." in strict.err

    rows(cluster.database_url, "UPDATE fsm_state_history SET to_state = 'X\x1b[2J' WHERE action = 'START_PROCESSING'")
    drifted = on_cluster("verify", "--limit", "1")
    assert drifted.code == 1
    assert "2 rows differ from what the log makes of them. What each cause means" in drifted.err
    assert "to_state: PROCESSING / X\\x1b[2J" in drifted.out
    assert f"{cluster.topics.transitions} " in drifted.out
    document = on_cluster("verify", "--json", "--limit", "1").document
    assert [len(document["differences"]), document["tallies"][0]["rows"]] == [1, 2]


def test_a_sample_is_part_of_it_and_says_so(cluster: Cluster, on_cluster: Commands) -> None:
    cluster.publish(
        cluster.topics.transitions,
        [transition("START_PROCESSING", event_id="1", entity_id=f"doc-{number}") for number in range(400)],
    )
    cluster.catch_up()
    found = on_cluster("verify", "--sample", "25", "--json").json
    assert (found["clean"], found["whole"], found["sample"], found["records"]) == (True, False, 0.25, 400)
    assert 60 < found["entities"] < 140
    rows(cluster.database_url, "DELETE FROM fsm_state")
    missing = on_cluster("verify", "--sample", "25", "--json").document["tallies"]
    assert [(each["table"], each["rows"]) for each in missing] == [("fsm_state", found["entities"])]
    assert on_cluster("verify", "--sample", "0").code == 2


def test_what_expired_cannot_be_compared_and_is_named_while_the_rest_is(cluster: Cluster, on_cluster: Commands) -> None:
    _projected(cluster)
    TopicChanges(cluster.bootstrap_servers).delete_before(cluster.topics.transitions, 0, 2)
    said = on_cluster("verify")
    assert said.code == 1
    assert "Of 1 partition nobody can tell any more. What could be compared is clean." in said.err
    assert (
        f"Left out: {cluster.topics.transitions}[0]: its log begins at 2 now, but its tables at 0: records are gone"
        " that were judged." in said.out
    )
    assert "Left out: 1 of the entities and workflows: records of them lie in a partition that is left out." in said.out
    rows(cluster.database_url, "DELETE FROM fsm_state")
    (missing,) = on_cluster("verify", "--json").document["differences"]
    assert (missing["table"], missing["subject"]["entity_id"]) == ("fsm_state", "doc-2")


def test_another_log_under_the_same_name_is_not_compared(cluster: Cluster, on_cluster: Commands) -> None:
    _projected(cluster)
    TopicChanges(cluster.bootstrap_servers).create_again(cluster.topics.workflows)
    cluster.publish(cluster.topics.workflows, [workflow("STARTED", event_id="1"), workflow("PAUSED", event_id="2")])
    unread = on_cluster("verify", "--json").document["unread"]
    assert {(each["topic"], each["why"]) for each in unread} == {
        (cluster.topics.workflows, "its topic was deleted and created again: this is another log")
    }
    on_cluster.set(FOLDLINE_WORKFLOW_TOPICS="others")
    (unknown, *_) = on_cluster("verify", "--json").document["unread"]
    assert unknown["why"].endswith("is neither in FOLDLINE_TRANSITION_TOPICS nor in FOLDLINE_WORKFLOW_TOPICS")


def test_a_reader_s_rights_are_enough(cluster: Cluster, on_cluster: Commands, users: Users) -> None:
    _projected(cluster)
    on_cluster.set(DATABASE_URL=users.reader)
    assert on_cluster("verify").code == 0
