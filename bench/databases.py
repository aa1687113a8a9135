"""A fresh database for each run, copied from a prepared one, and the check that a run did its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from bench.workload import Workload
from foldline.postgres.migrations import Runner

OURS = "prepared_ours"
BY_HAND = "prepared_by_hand"

_BY_HAND_SCHEMA = Path(__file__).with_name("by_hand.sql")
_BATCH_ROWS = 20_000
_OLDER: LiteralString = """
INSERT INTO fsm_state (fsm_type, entity_id, current_state, transition_timestamp, metadata, {more})
SELECT (ARRAY['INGESTION', 'PATTERN_LEARNING', 'QUALITY_ASSESSMENT'])[1 + n %% 3], 'older-' || lpad(n::text, 10, '0'),
       (ARRAY['INDEXED', 'COMPLETED', 'STORED'])[1 + n %% 3], '2025-12-31Z'::timestamptz,
       jsonb_build_object('source', 's3://archive-inbox/letters', 'worker', 'worker-' || n %% 12,
                          'bytes', 18000 + n::bigint * 7919 %% 9382000, 'confidence', (n %% 10000) / 10000.0,
                          'checksum', md5(n::text), 'language', 'en'),
       {values}
  FROM generate_series(%s::integer, %s::integer) AS n"""
_OLDER_OURS = _OLDER.replace("{more}", "revision").replace("{values}", "nextval('fsm_state_history_id_seq')")
_OLDER_BY_HAND = _OLDER.replace("{more}", "last_action, correlation_id").replace("{values}", "'OLD', gen_random_uuid()")
_LIMIT_TABLE: LiteralString = """
CREATE TABLE limit_state (fsm_type varchar(50), entity_id varchar(255), current_state varchar(50) NOT NULL,
                          PRIMARY KEY (fsm_type, entity_id)) WITH (fillfactor = 70);
INSERT INTO limit_state SELECT fsm_type, entity_id, current_state FROM fsm_state"""


class WorkNotDoneError(Exception):
    """A run ended without its rows: what it measured means nothing."""


class Databases:
    """The databases of one benchmark on one server."""

    def __init__(self, server_url: str, workload: Workload) -> None:
        self._server_url = server_url
        self._workload = workload

    def prepare(self) -> None:
        """Make the databases that every run starts from a copy of."""
        for name in (OURS, BY_HAND):
            self._on_server(f"CREATE DATABASE {name}")
        Runner(self._url(OURS)).apply()
        with psycopg.connect(self._url(OURS), autocommit=True) as connection:
            self._add_older(connection, _OLDER_OURS)
            connection.execute(
                "INSERT INTO foldline_identities SELECT gen_random_uuid(), false FROM generate_series(1, %s)",
                [self._workload.older],
            )
            connection.execute(_LIMIT_TABLE)
            connection.execute("VACUUM ANALYZE")
        with psycopg.connect(self._url(BY_HAND), autocommit=True) as connection:
            connection.execute(_BY_HAND_SCHEMA.read_bytes())
            self._add_older(connection, _OLDER_BY_HAND)
            connection.execute("VACUUM ANALYZE")

    @contextmanager
    def copy(self, prepared: str) -> Iterator[str]:
        """The URL of a copy for one run; every run begins right behind a checkpoint."""
        self._on_server(f"CREATE DATABASE run TEMPLATE {prepared}")
        try:
            self._on_server("CHECKPOINT")
            yield self._url("run")
        finally:
            self._on_server("DROP DATABASE run WITH (FORCE)")

    def verify(self, database_url: str, state_table: str) -> None:
        """See that every event left its history row, and every entity the state that it ends in.

        Raises:
            WorkNotDoneError: with what is there and what should be.
        """
        with psycopg.connect(database_url) as connection:
            history = _one(connection, "SELECT count(*) FROM fsm_state_history")
            found = connection.execute(
                f"SELECT fsm_type, current_state, count(*) FROM {state_table}"
                " WHERE entity_id NOT LIKE 'older-%' GROUP BY 1, 2"
            ).fetchall()
        expected = self._workload.events + self._workload.older
        if history != expected:
            raise WorkNotDoneError(f"{history:,} rows of history, not {expected:,}")
        states = {(fsm_type, state): count for fsm_type, state, count in found}
        if states != self._workload.final_states():
            raise WorkNotDoneError(f"entities ended in {states}, not in {self._workload.final_states()}")

    def _add_older(self, connection: psycopg.Connection[Any], statement: LiteralString) -> None:
        for first in range(0, self._workload.older, _BATCH_ROWS):
            connection.execute(statement, [first, min(first + _BATCH_ROWS, self._workload.older) - 1])

    def _url(self, database: str) -> str:
        return make_conninfo(self._server_url, dbname=database)

    def _on_server(self, statement: LiteralString) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(statement)


def _one(connection: psycopg.Connection[Any], statement: LiteralString) -> int:
    row = connection.execute(statement).fetchone()
    assert row is not None, "count() has a row"
    return int(row[0])
