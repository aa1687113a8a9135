"""Every command as the role that is meant for it: migrations as owner, workers as projectors, reports as readers."""

from __future__ import annotations

import json

import pytest
from psycopg.conninfo import make_conninfo

from clusters import Topics
from commands import Commands, cluster_settings
from harness import rows, transition, workflow
from roles import Users, users_on

_EVENTS = [
    transition("START_PROCESSING", event_id="1"),
    transition("START_PROCESSING", event_id="2"),
    workflow("STARTED", event_id="1"),
]


@pytest.mark.usefixtures("_roles_are_dropped")
def test_each_role_suffices_for_its_commands(
    foldline: Commands, empty_database_url: str, bootstrap_servers: str, topics: Topics
) -> None:
    users = users_on(empty_database_url)
    as_itself = make_conninfo(users.owner, options="")  # the migration takes its group's role by itself
    foldline.set(**cluster_settings(as_itself, bootstrap_servers, topics))
    assert foldline("migrate").out.endswith("migrations applied.\n")
    (foldline.directory / "events.jsonl").write_text("\n".join(map(json.dumps, _EVENTS)), encoding="utf-8")
    assert foldline("publish", "events.jsonl").code == 0

    foldline.set(DATABASE_URL=users.projector)
    ran = foldline("run", "--until-caught-up", "--json").json
    assert ran["verdicts"] == {"applied": 2, "duplicate": 0, "rejected": 1, "undecodable": 0}

    for reader in (users.reader, users.ops):
        foldline.set(DATABASE_URL=reader)
        assert foldline("status", "--json").json["lag"] == 0
        assert foldline("positions").code == 0
        assert foldline("migrate", "--status").code == 0
        assert [row["action"] for row in foldline("history", "INGESTION", "doc-1", "--json").json] == [
            *("START_PROCESSING",) * 2
        ]
        assert foldline("workflows", "show", "wf-1", "--json").json["status"] == "RUNNING"
        assert foldline("workflows", "--stuck", "0").code == 0
        (letter,) = foldline("deadletters", "list", "--json").json
        assert foldline("deadletters", "show", str(letter["id"])).code == 0
        assert foldline("machines", "diff").code == 0
        where = (letter["topic"], str(letter["partition"]), str(letter["offset"]))
        assert foldline("record", *where, "--json").json["verdict"] == "rejected"
        assert foldline("history", "INGESTION", "doc-1", "--at", where[2]).code == 0


def test_who_lacks_the_rights_for_a_command_reads_so_in_one_line(on_cluster: Commands, users: Users) -> None:
    on_cluster.set(DATABASE_URL=users.reader)
    for words in (("migrate",), ("migrate", "--rollback", "1", "--yes")):
        refused = on_cluster(*words)
        assert refused.code == 1
        assert "Unexpected" not in refused.err
        assert "42501" in refused.err.splitlines()[-1], refused.err
    for role in (users.reader, users.ops):  # else it would join the group, take partitions and project nothing
        on_cluster.set(DATABASE_URL=role)
        refused = on_cluster("run", "--until-caught-up")
        assert (refused.code, refused.out) == (1, "")
        assert "may not project" in refused.err
        assert "foldline_projector" in refused.err
    on_cluster.set(DATABASE_URL=users.projector)
    refused = on_cluster("history", "INGESTION", "doc-1")
    (line,) = refused.err.splitlines()
    assert line.startswith(
        "foldline: PostgreSQL refused to answer (SQLSTATE 42501). Log in as a member of foldline_reader"
    )
    assert rows(users.database_url, "SELECT count(*) FROM foldline_positions") == [(0,)]
