"""What deployment/database/roles.sql refuses: every way that we know of to forge, change or erase what happened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalogs import catalog
from harness import WORKFLOWS, Projector, rows, transition, workflow
from roles import Users

_REFUSED = psycopg.errors.InsufficientPrivilege
_ROLES = ("projector", "reader", "ops")

_HEAD = re.compile(r"^-- (everybody|projector|reader|ops): (.+)$", re.MULTILINE)


def _attempts() -> Iterator[tuple[str, str, Sequence[str]]]:
    """Role, what it attempts, and the statements of it."""
    _, *parts = _HEAD.split(Path(__file__).with_name("refused_to_roles.sql").read_text(encoding="utf-8"))
    for who, what, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        for role in _ROLES if who == "everybody" else (who,):
            yield role, what, [statement for statement in text.strip().split(";\n") if statement]


_ATTEMPTS = list(_attempts())
_ROLES_CATALOG = "SELECT r::text FROM pg_authid r UNION ALL SELECT m::text FROM pg_auth_members m ORDER BY 1"


def _project(url: str) -> None:
    """History, a timeline, dead letters, and what they rest on."""
    worker = Projector(url)
    worker.project(
        transition("START_PROCESSING", event_id="1"), transition("REINDEX", event_id="2"), b"poison", b"poison"
    )
    worker.project(
        workflow("STARTED", event_id="1"),
        workflow("PAUSED", event_id="2"),
        workflow("STARTED", event_id="1", workflow_id="wf-2"),
        workflow("COMPLETED", event_id="2", workflow_id="wf-2"),
        partition=WORKFLOWS,
    )


@pytest.fixture(scope="module")
def projected(shared_users: Users) -> Iterator[Users]:
    """A database that every attempt meets; at the end its catalog and the server's roles are as they were."""
    _project(shared_users.projector)
    url = shared_users.database_url
    before = catalog(url), rows(url, _ROLES_CATALOG)
    yield shared_users
    assert (catalog(url), rows(url, _ROLES_CATALOG)) == before


@pytest.fixture(scope="module")
def contents(projected: Users) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Asks for a digest of every table."""
    with psycopg.connect(projected.database_url, autocommit=True) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        statement = " UNION ALL ".join(
            f"SELECT '{table}', md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} AS t" for (table,) in tables
        )
        yield lambda: connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    ("role", "listed"),
    [(role, listed) for role, _, listed in _ATTEMPTS],
    ids=[f"{role}: {name}" for role, name, _ in _ATTEMPTS],
)
def test_it_is_refused(
    projected: Users, contents: Callable[[], list[tuple[str, str]]], role: str, listed: Sequence[str]
) -> None:
    before = contents()
    with psycopg.connect(projected.url(role), autocommit=True) as connection, pytest.raises(_REFUSED):
        _run(connection, listed)
    assert contents() == before


def _run(connection: psycopg.Connection, listed: Sequence[str]) -> None:
    for statement in listed:
        connection.execute(statement.replace("{database}", connection.info.dbname))


@pytest.mark.parametrize("role", _ROLES)
@pytest.mark.parametrize("setting", ["session_replication_role=replica", "role=foldline_owner"])
def test_nobody_connects_with_such_a_setting(projected: Users, role: str, setting: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied to set"):
        psycopg.connect(make_conninfo(projected.url(role), options=f"-c {setting}"))


@pytest.mark.parametrize("role", _ROLES)
def test_a_default_role_that_is_not_ones_own_is_not_taken(projected: Users, role: str) -> None:
    url = projected.url(role)
    user = conninfo_to_dict(url)["user"]
    rows(url, "ALTER ROLE CURRENT_USER SET role = 'foldline_owner'")
    try:
        assert rows(url, "SELECT current_user") == [(user,)]
    finally:
        rows(url, "ALTER ROLE CURRENT_USER RESET role")


# What operators and workers may run. It changes doc-1 by hand, and is recorded as just that.
_RECORDED: dict[str, Sequence[str]] = {
    "tables that are named like ours": [
        "CREATE TEMPORARY TABLE fsm_state_history (id bigint)",
        "CREATE TEMPORARY TABLE fsm_state_history_id_seq (last_value bigint)",
        "CREATE TEMPORARY TABLE new_rows (LIKE public.fsm_state)",
        "CREATE TEMPORARY TABLE old_rows (LIKE public.fsm_state)",
        "CREATE TEMPORARY TABLE foldline_positions (LIKE public.foldline_positions)",
        "CREATE TEMPORARY TABLE pg_class (oid oid, relowner oid)",
        "SET search_path = pg_temp, public, pg_catalog",
        "UPDATE public.fsm_state SET current_state = 'INDEXED'",
    ],
    "functions and operators of one's own": [
        "CREATE FUNCTION pg_temp.to_regclass(text) RETURNS oid LANGUAGE sql AS 'SELECT 1::oid'",
        "CREATE FUNCTION pg_temp.never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
        "CREATE OPERATOR pg_temp.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.never)",
        "SET search_path = pg_temp, public, pg_catalog",
        "UPDATE public.fsm_state SET current_state = 'INDEXED'",
    ],
    "settings": [
        "SET foldline.projector = 'on'",
        "SET foldline.stage = 'true'",
        "SET plpgsql.variable_conflict = 'use_variable'",
        "SET transform_null_equals = on",
        "SET application_name = 'foldline worker writer'",
        "UPDATE fsm_state SET current_state = 'INDEXED'",
    ],
    "what an event would say": [
        """UPDATE fsm_state SET current_state = 'INDEXED', metadata = '{"last_action": "X", "event_id": "2"}'"""
    ],
}


@pytest.mark.parametrize("listed", _RECORDED.values(), ids=_RECORDED)
@pytest.mark.parametrize("role", ["projector", "ops"])
def test_a_change_by_hand_is_recorded_as_one(users: Users, role: str, listed: Sequence[str]) -> None:
    _project(users.database_url)
    _let_make_temporary_tables(users)
    whole = "SELECT h::text FROM public.fsm_state_history AS h ORDER BY id"
    before = rows(users.database_url, whole)
    with psycopg.connect(users.url(role), autocommit=True) as connection:
        _run(connection, listed)
    after = rows(users.database_url, whole)
    assert after[:-1] == before
    assert rows(
        users.database_url,
        "SELECT entity_id, from_state, to_state, action, correlation_id, event_id, definition_version"
        " FROM fsm_state_history ORDER BY id DESC LIMIT 1",
    ) == [("doc-1", "PROCESSING", "INDEXED", "MANUAL", None, None, None)]


def _let_make_temporary_tables(users: Users) -> None:
    """What roles.sql takes from everybody, and somebody may give back."""
    rows(users.database_url, f"GRANT TEMPORARY ON DATABASE {conninfo_to_dict(users.database_url)['dbname']} TO PUBLIC")


def test_a_clean_up_does_not_take_tables_of_ones_own_for_ours(users: Users) -> None:
    _project(users.database_url)
    _let_make_temporary_tables(users)
    with psycopg.connect(users.ops, autocommit=True) as connection:
        _run(
            connection,
            [
                "CREATE TEMPORARY TABLE fsm_state_history (transitioned_at timestamptz)",
                "CREATE TEMPORARY TABLE foldline_cleanups (LIKE public.foldline_cleanups)",
                "CREATE FUNCTION pg_temp.foldline_cut_off(int) RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
                "SET search_path = pg_temp, public",
                "SELECT public.cleanup_old_fsm_history(7)",
            ],
        )
    assert rows(users.database_url, "SELECT count(*) FROM fsm_state_history") == [(0,)]
    assert rows(users.database_url, "SELECT removed, ran_by FROM foldline_cleanups") == [(2, "test_ops")]
