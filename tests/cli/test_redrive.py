"""`foldline deadletters redrive` on the real broker and the real tables: from a letter to its end."""

from __future__ import annotations

import json

from clusters import Cluster, read_topic
from commands import Commands
from harness import encoded, rows, transition, workflow
from roles import Users

EARLY = transition("COMPLETE_INDEXING", event_id="early")
START = transition("START_PROCESSING", event_id="start")
_STATUSES = "SELECT id, status, redrives FROM foldline_dead_letters ORDER BY id"
WIDER = """
fsm_type: REVIEW
version: {version}
initial: OPEN
states:
  OPEN:
  CHECKED:
  DONE: {{final: true}}
transitions:
  - {{action: CHECK, from: OPEN, to: CHECKED}}
  - {{action: CLOSE, from: [CHECKED{more}], to: DONE}}
"""


def _statuses(cluster: Cluster) -> list[tuple[int, str, int]]:
    return rows(cluster.database_url, _STATUSES)


def test_originals_come_back_as_they_were_and_each_letter_says_how_it_ended(
    on_cluster: Commands, cluster: Cluster
) -> None:
    """Key, value, headers, topic, partition and order; a tombstone; both kinds of events; and the loop's end."""
    transitions, workflows = cluster.topics.transitions, cluster.topics.workflows
    cluster.publish(transitions, [EARLY, b"\xffpoison", None, START], partition=2)
    cluster.publish(transitions, [b"other"], partition=1)
    cluster.publish(workflows, [workflow("PAUSED", event_id="1"), workflow("STARTED", event_id="2")], partition=3)
    cluster.catch_up()
    assert on_cluster("deadletters", "redrive", "--all", "--dry-run", "--json").json["applied"] == 2
    done = on_cluster("deadletters", "redrive", "--all")
    assert done.out.startswith("Redriven: 5 dead letters."), done.err
    assert {status for _, status, _ in _statuses(cluster)} == {"redriven"}
    again = [each for each in read_topic(cluster.bootstrap_servers, transitions) if each.headers()]
    assert [(each.partition(), each.key(), each.value()) for each in again if each.partition() == 2] == [
        (2, b"k", encoded(EARLY)),
        (2, b"k", b"\xffpoison"),
        (2, b"k", None),
    ]
    (header,) = again[-1].headers() or []
    assert header[0] == "foldline-redrive"
    assert json.loads(header[1] or "")["redrive"] == 1
    cluster.catch_up()
    by_status = {status: number for number, status, _ in reversed(_statuses(cluster))}
    assert [status for _, status, _ in _statuses(cluster)].count("applied") == 2
    shown = on_cluster("deadletters", "show", str(by_status["rejected_again"]), "--json").json
    assert shown["answered_as"] > 5
    assert on_cluster("deadletters", "show", str(shown["answered_as"]), "--json").json["redrive_of"] == shown["id"]
    told = on_cluster("deadletters", "show", str(shown["id"])).out
    assert "redriven  1 time, last" in told
    assert f", dead letter {shown['answered_as']}\n" in told
    assert (
        f"came from redrive 1 of dead letter {shown['id']}"
        in on_cluster("deadletters", "show", str(shown["answered_as"])).out
    )
    for _ in range(2):
        assert on_cluster("deadletters", "redrive", "--reason", "malformed").code == 0
        cluster.catch_up()
    ended = on_cluster("deadletters", "redrive", "--reason", "malformed", "--json").json
    assert ended == {"redriven": 0, "left_out": {"redriven 3 times already": 3}}
    (open_one, *_) = [number for number, status, _ in _statuses(cluster) if status == "open"]
    named = on_cluster("deadletters", "redrive", "--id", str(open_one))
    assert named.code == 1
    assert "redriven 3 times already" in named.err
    assert on_cluster("deadletters", "redrive", "--id", str(open_one), "--limit", "4").code == 0
    assert on_cluster("verify").code == 0


def test_a_machine_is_mended_and_then_a_dry_run_says_how_far_each_entity_comes(
    on_cluster: Commands, cluster: Cluster
) -> None:
    machines = on_cluster.directory / "machines"
    machines.mkdir()
    definition = machines / "review.yaml"
    definition.write_text(WIDER.format(version=1, more=""), encoding="utf-8")
    on_cluster.set(FOLDLINE_MACHINES=str(machines))

    def event(entity: str, action: str, number: int) -> dict[str, object]:
        return transition(action, fsm_type="REVIEW", entity_id=entity, event_id=str(number))

    log = [event("a", "CLOSE", 1), event("a", "CHECK", 2), event("b", "CLOSE", 3), event("b", "CLOSE", 4)]
    cluster.publish(cluster.topics.transitions, log)
    cluster.catch_up(machines=(machines,))
    definition.write_text(WIDER.format(version=2, more=", OPEN"), encoding="utf-8")
    redrive = ("deadletters", "redrive", "--reason", "illegal_transition")
    before = rows(cluster.database_url, "SELECT last_value FROM fsm_state_history_id_seq")
    forecast = on_cluster(*redrive, "--dry-run", "--json").json
    assert rows(cluster.database_url, "SELECT last_value FROM fsm_state_history_id_seq") == before
    assert (forecast["letters"], forecast["applied"], forecast["rejected"]) == (3, 2, {"illegal_transition": 1})
    assert [(each["entity_id"], each["passing_before"], each["state"]) for each in forecast["subjects"]] == [
        ("a", 1, "DONE"),
        ("b", 1, "DONE"),
    ]
    assert [(each["loaded"], each["judging"]) for each in forecast["other_machines"]] == [(2, 1)]
    told = on_cluster(*redrive, "--dry-run").out
    assert "Of 3 dead letters 2 would pass now." in told
    assert "1 of 2, then illegal_transition since it is in DONE (dead letter 3: CLOSE is not possible in DONE)" in told
    assert "is judged on" in told
    assert {status for _, status, _ in _statuses(cluster)} == {"open"}

    assert on_cluster(*redrive).code == 0
    cluster.catch_up(machines=(machines,))
    assert [status for _, status, _ in _statuses(cluster)] == ["applied", "applied", "rejected_again", "open"]
    assert rows(cluster.database_url, "SELECT entity_id, current_state FROM fsm_state ORDER BY 1") == [
        ("a", "DONE"),
        ("b", "DONE"),
    ]
    later = on_cluster("deadletters", "redrive", "--all", "--dry-run", "--json").json
    assert (later["letters"], later["other_machines"]) == (1, [])


def test_what_is_asked_for_has_to_be_said_and_who_asks_has_to_be_an_operator(
    on_cluster: Commands, cluster: Cluster, users: Users
) -> None:
    nothing = on_cluster("deadletters", "redrive")
    assert (nothing.code, nothing.out) == (2, "")
    assert "--all" in nothing.err
    assert on_cluster("deadletters", "redrive", "--since", "yesterday").code == 2
    assert on_cluster("deadletters", "redrive", "--all").out == "No dead letter to redrive.\n"
    absent = on_cluster("deadletters", "redrive", "--id", "7")
    assert absent.code == 1
    assert "there is no dead letter 7" in absent.err
    cluster.publish(cluster.topics.transitions, [b"poison"])
    cluster.catch_up()
    for role in (users.reader, users.projector):
        on_cluster.set(DATABASE_URL=role)
        refused = on_cluster("deadletters", "redrive", "--all")
        assert refused.code == 1
        assert "foldline_ops" in refused.err
    assert len(read_topic(cluster.bootstrap_servers, cluster.topics.transitions)) == 1
    on_cluster.set(DATABASE_URL=users.reader)
    assert on_cluster("deadletters", "redrive", "--all", "--dry-run").code == 0
    on_cluster.set(DATABASE_URL=users.ops)
    assert on_cluster("deadletters", "redrive", "--all").code == 0
    on_cluster.set(FOLDLINE_TRANSITION_TOPICS="another")
    unread = on_cluster("deadletters", "redrive", "--id", "1")
    assert unread.code == 1
    assert "is none that is read" in unread.err


def test_where_publishing_fails_midway_what_went_is_noted_and_the_rest_stays_open(
    on_cluster: Commands, cluster: Cluster
) -> None:
    cluster.publish(cluster.topics.transitions, [b"poison"] * 3)
    cluster.catch_up()
    rows(cluster.database_url, "UPDATE foldline_dead_letters SET partition = 99 WHERE id = 1")
    too_large = "SELECT string_agg(sha256(n::text::bytea), ''::bytea) FROM generate_series(1, 62500) AS n"
    rows(cluster.database_url, f"UPDATE foldline_dead_letters SET value = ({too_large}) WHERE id = 3")
    failed = on_cluster("deadletters", "redrive", "--all")
    assert failed.code == 1
    assert "Dead letter 3 has 2,000,000 bytes" in failed.err
    assert "Redriven are 1 of 3 dead letters" in failed.err
    assert _statuses(cluster) == [(1, "open", 0), (2, "redriven", 1), (3, "open", 0)]
    gone = on_cluster("deadletters", "redrive", "--id", "1")
    assert gone.code == 1
    assert "[99] is gone" in gone.err
