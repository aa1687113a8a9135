"""deployment/database/roles.sql: each role can do its work, whenever the file is run, and whoever runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from catalogs import catalog
from foldline.errors import MigrationError
from foldline.postgres.migrations import Runner
from foldline.postgres.queries import DIRECTORY, names, query
from foldline.postgres.reports import Reports
from foldline.resources import ROLES
from harness import COUNTS, WORKFLOWS, Projector, rows, snapshot, transition, workflow
from psql import psql
from roles import GROUPS, Users, drop_roles, grant_roles, users_on
from statements import numbered

_ASKED_FOR = re.compile(r'"(\w+)"')
_LONG_AGO = "2020-01-31T12:00:00Z"
_EVENTS = (
    transition("START_PROCESSING", event_id="1", occurred_at=_LONG_AGO),
    transition("COMPLETE_INDEXING", event_id="2", occurred_at=_LONG_AGO),
    transition("START_PROCESSING", event_id="3", occurred_at=_LONG_AGO),
    transition("COMPLETE_INDEXING", event_id="4", occurred_at=_LONG_AGO, entity_id="absent"),
    b"poison",
)
_WORKFLOW_EVENTS = (
    workflow("STARTED", event_id="1", occurred_at=_LONG_AGO),
    workflow("FAILED", event_id="2", occurred_at=_LONG_AGO),
    workflow("PAUSED", event_id="3", occurred_at=_LONG_AGO, workflow_id="absent"),
)
_NOT_THE_OWNERS = (
    "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relowner <> 'foldline_owner'::regrole UNION ALL SELECT oid::regprocedure::text FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace AND proowner <> 'foldline_owner'::regrole"
)
_OPS_MAY_SET = {
    "fsm_state": {
        *("current_state", "transition_timestamp", "metadata", "retry_count"),
        *("lease_id", "lease_epoch", "lease_expires_at"),
    },
    "workflow_executions": {
        *("status", "current_step", "completed_steps", "failed_step", "completed_at", "duration_ms", "error_message"),
        "metadata",
    },
    "foldline_dead_letters": {"status", "redrives", "redriven_at", "redriven_by", "closed_at", "closed_by", "why"},
}


def test_it_makes_the_same_before_and_after_the_migrations_and_again(
    users: Users, empty_database_url: str, database_url: str
) -> None:
    grant_roles(empty_database_url)
    grant_roles(empty_database_url)
    with pytest.raises(MigrationError, match="permission denied for schema public"):
        Runner(Users(empty_database_url).projector).apply()
    Runner(Users(empty_database_url).owner).apply()
    first = catalog(empty_database_url)
    grant_roles(database_url)
    assert first == catalog(database_url)
    assert Runner(users.owner).apply() == []
    psql(database_url, ROLES)
    assert first == catalog(database_url)
    assert rows(database_url, _NOT_THE_OWNERS) == rows(empty_database_url, _NOT_THE_OWNERS) == []
    Runner(Users(empty_database_url).owner).roll_back(1)


def test_it_takes_what_it_does_not_list_and_migrating_as_the_owner_grants_what_is_missing(users: Users) -> None:
    before = catalog(users.database_url)
    rows(users.owner, "GRANT DELETE, UPDATE (from_state) ON fsm_state_history TO foldline_ops")
    rows(users.owner, "GRANT EXECUTE ON FUNCTION cleanup_old_fsm_history TO PUBLIC")
    rows(users.owner, "REVOKE ALL ON foldline_positions FROM foldline_projector")
    assert catalog(users.database_url) != before
    Runner(users.owner).apply()
    assert catalog(users.database_url) == before


def test_migrating_as_somebody_else_grants_nothing(database_url: str) -> None:
    before = catalog(database_url)
    Runner(database_url).apply()
    assert catalog(database_url) == before


def test_tables_are_not_handed_over_while_a_worker_runs(projector: Projector, users: Users) -> None:
    rows(projector.database_url, "ALTER TABLE fsm_state_history OWNER TO CURRENT_USER")
    tables = projector.tables()
    try:
        tables.check_machines()  # the worker's first look at the database
        with pytest.raises(psycopg.errors.ObjectInUse, match="a foldline worker is running"):
            grant_roles(users.database_url)
        rows(projector.database_url, "ALTER TABLE fsm_state_history OWNER TO foldline_owner")
        grant_roles(users.database_url)  # rights alone may change meanwhile
    finally:
        tables.close()


def test_a_schema_in_which_everybody_may_create_is_refused_to_the_owner_who_cannot_close_it(users: Users) -> None:
    rows(users.database_url, "GRANT CREATE ON SCHEMA public TO PUBLIC")
    with pytest.raises(MigrationError, match="everybody may create objects in the schema public"):
        Runner(users.owner).apply()
    grant_roles(users.database_url)
    Runner(users.owner).apply()


@pytest.fixture
def landlord(server_url: str, empty_database_url: str, _roles_are_dropped: None) -> Iterator[str]:
    """The owner of an empty database, who may create roles and is no superuser; the groups are not there yet."""
    drop_roles(server_url)
    ((name,),) = rows(empty_database_url, "SELECT current_database()")
    rows(server_url, "CREATE ROLE test_landlord LOGIN CREATEROLE PASSWORD 'l'")
    rows(server_url, f"ALTER DATABASE {name} OWNER TO test_landlord")
    try:
        yield make_conninfo(empty_database_url, user="test_landlord", password="l")
    finally:
        rows(server_url, f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        rows(empty_database_url, "DROP OWNED BY test_landlord CASCADE")
        drop_roles(server_url)
        rows(server_url, "DROP ROLE test_landlord")


def test_the_owner_of_the_database_can_run_it_too_and_undo_it(landlord: str) -> None:
    Runner(landlord).apply()
    made = catalog(landlord)
    users = users_on(landlord)
    users_on(landlord)
    assert rows(landlord, _NOT_THE_OWNERS) == []
    Projector(users.projector).project(*_EVENTS)
    psql(landlord, ROLES.with_name("roles_drop.sql"))
    assert rows(landlord, "SELECT rolname FROM pg_roles WHERE rolname ~ '^foldline_'") == []
    left = catalog(landlord)
    assert [kind for kind in made if made[kind] != left[kind]] == ["tables", "functions"]  # rights that PUBLIC had
    Runner(landlord).roll_back(1)


def test_a_projector_projects_what_the_owner_would(users: Users, second_database_url: str) -> None:
    def project(with_rights: str, owner: str) -> None:
        worker = Projector(with_rights)
        worker.project(*_EVENTS)
        worker.project(*_WORKFLOW_EVENTS, partition=WORKFLOWS)
        assert rows(owner, "SELECT cleanup_completed_workflows(0)") == [(1,)]
        worker.project(*_WORKFLOW_EVENTS, workflow("RETRIED", event_id="4"), partition=WORKFLOWS)

    project(users.projector, users.database_url)
    project(second_database_url, second_database_url)
    assert rows(users.database_url, COUNTS) == [(2, 0, 2, 1), (3, 0, 1, 0)]
    assert snapshot(users.database_url) == snapshot(second_database_url)


def _statements() -> set[tuple[str, str]]:
    """Every statement with the group of the programs that run it: what is not named here is a worker's."""
    others = {
        "reports.py": "reader",
        "corrections.py": "reader",
        "acceptances.py": "ops",
        "letters.py": "ops",
        "snapshot.py": "reader",
    }
    return {
        (others.get(path.name, "projector"), name)
        for path in DIRECTORY.parent.glob("*.py")
        for name in set(names()).intersection(_ASKED_FOR.findall(path.read_text(encoding="utf-8")))
    }


@pytest.mark.parametrize(("group", "name"), sorted(_statements()))
def test_each_statement_is_one_that_its_program_has_the_rights_for(shared_users: Users, group: str, name: str) -> None:
    statement = numbered(query(name))
    count = len(set(re.findall(r"\$\d+", statement)))
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    with psycopg.connect(shared_users.url(group), autocommit=True) as connection:
        if group == "projector":
            connection.execute("SELECT foldline_open_stage()")
        connection.execute(f"PREPARE asked AS {statement}")
        connection.execute(f"EXPLAIN EXECUTE asked{arguments}")


def test_operators_may_set_these_columns_and_no_others(shared_users: Users) -> None:
    may = rows(
        shared_users.ops,
        "SELECT relname, array_agg(attname::text) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0"
        " AND has_column_privilege(pg_class.oid, attnum, 'UPDATE') GROUP BY relname",
    )
    assert {table: set(columns) for table, columns in may} == _OPS_MAY_SET


@pytest.mark.parametrize("group", ["reader", "ops"])
def test_readers_and_operators_read_every_table_and_report(shared_users: Users, group: str) -> None:
    url = shared_users.url(group)
    for (table,) in rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows(url, f"SELECT * FROM {table}")
    reports = Reports(url)
    reports.stuck_workflows(hours=1, limit=1)
    assert all(status.applied_at is not None for status in Runner(url).status())


def test_an_operator_corrects_by_hand_and_cleans_up(users: Users) -> None:
    Projector(users.database_url).project(*_EVENTS)
    Projector(users.database_url).project(*_WORKFLOW_EVENTS, partition=WORKFLOWS)
    rows(users.ops, "UPDATE fsm_state SET current_state = 'RECEIVED', metadata = '{}', retry_count = 0")
    rows(users.ops, "UPDATE workflow_executions SET status = 'COMPLETED', failed_step = NULL, error_message = NULL")
    assert rows(users.ops, "SELECT cleanup_old_fsm_history(7)") == [(4,)]
    assert rows(users.ops, "SELECT cleanup_completed_workflows(7)") == [(1,)]
    assert rows(users.ops, "SELECT from_state, to_state, action FROM fsm_state_history") == [
        ("INDEXED", "RECEIVED", "MANUAL")
    ]
    assert rows(users.ops, "SELECT DISTINCT ran_by FROM foldline_cleanups") == [("test_ops",)]


def test_a_change_by_hand_cannot_be_dated_back_to_be_cleaned_up(users: Users) -> None:
    Projector(users.database_url).project(*_EVENTS)
    rows(users.ops, "UPDATE fsm_state SET current_state = 'FAILED', transition_timestamp = '1970-01-02Z'")
    assert rows(users.ops, "SELECT cleanup_old_fsm_history(7)") == [(4,)]
    assert rows(users.ops, "SELECT to_state, action FROM fsm_state_history") == [("FAILED", "MANUAL")]


@pytest.mark.parametrize("clean_up", ["cleanup_old_fsm_history", "cleanup_completed_workflows"])
def test_what_is_young_only_the_owner_cleans_up(users: Users, clean_up: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="less than 7 days is for the owner"):
        rows(users.ops, f"SELECT {clean_up}(6)")
    assert rows(users.owner, f"SELECT {clean_up}(6)") == [(0,)]


def test_an_operator_vacuums_where_postgresql_lets_anybody_but_the_owner(users: Users) -> None:
    with psycopg.connect(users.ops, autocommit=True) as connection:
        said: list[str] = []
        connection.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
        connection.execute("VACUUM ANALYZE fsm_state")
        assert bool(said) == (connection.info.server_version < 170000), said  # a warning that it is skipped


def test_every_group_is_used_by_a_test_user_and_nobody_can_log_in_as_one(users: Users) -> None:
    listed = rows(
        users.database_url, "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname ~ '^foldline_' ORDER BY 1"
    )
    assert listed == [(f"foldline_{group}", False) for group in sorted(GROUPS)]
