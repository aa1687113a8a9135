"""Every name of the original database document is in the catalog, as what it says it is."""

from __future__ import annotations

import pytest

from harness import rows

COLUMNS = {
    "fsm_state": {
        "id": "uuid",
        "fsm_type": "character varying(50)",
        "entity_id": "character varying(255)",
        "current_state": "character varying(50)",
        "previous_state": "character varying(50)",
        "transition_timestamp": "timestamp with time zone",
        "metadata": "jsonb",
        "lease_id": "character varying(255)",
        "lease_epoch": "bigint",
        "lease_expires_at": "timestamp with time zone",
    },
    "fsm_state_history": {
        "id": "bigint",
        "fsm_type": "character varying(50)",
        "entity_id": "character varying(255)",
        "from_state": "character varying(50)",
        "to_state": "character varying(50)",
        "action": "character varying(50)",
        "transitioned_at": "timestamp with time zone",
        "duration_ms": "double precision",
        "correlation_id": "character varying(255)",
        "metadata": "jsonb",
        "success": "boolean",
        "error_message": "text",
    },
    "workflow_executions": {
        "workflow_id": "character varying(255)",
        "operation_type": "character varying(50)",
        "entity_id": "character varying(255)",
        "status": "character varying(20)",
        "current_step": "character varying(100)",
        "completed_steps": "jsonb",
        "started_at": "timestamp with time zone",
        "completed_at": "timestamp with time zone",
        "duration_ms": "double precision",
        "correlation_id": "character varying(255)",
        "input_payload": "jsonb",
        "output_results": "jsonb",
        "error_message": "text",
        "retry_count": "integer",
    },
}
INDEXES = {
    "idx_fsm_state_fsm_entity": "CREATE UNIQUE INDEX {} ON public.fsm_state USING btree (fsm_type, entity_id)",
    "idx_fsm_state_current_state": "CREATE INDEX {} ON public.fsm_state USING btree (current_state)",
    "idx_fsm_state_type_state": "CREATE INDEX {} ON public.fsm_state USING btree (fsm_type, current_state)",
    "idx_fsm_state_lease": (
        "CREATE INDEX {} ON public.fsm_state USING btree (lease_id, lease_expires_at) WHERE (lease_id IS NOT NULL)"
    ),
    # No operator class is named, so it is the default one.
    "idx_fsm_state_metadata": (
        "CREATE INDEX {} ON public.fsm_state USING gin (metadata)"
        " WITH (fastupdate='on', gin_pending_list_limit='16384')"
    ),
}
FUNCTIONS = {
    "cleanup_old_fsm_history": ("retention_days integer", "bigint"),
    "cleanup_completed_workflows": ("retention_days integer", "bigint"),
    "find_stuck_workflows": (
        "timeout_hours double precision",
        (
            "TABLE(workflow_id character varying, operation_type character varying, current_step character varying,"
            " stuck_duration_hours double precision, entity_id character varying, started_at timestamp with time zone,"
            " last_event_at timestamp with time zone)"
        ),
    ),
}


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_there_with_its_type(template: str, table: str) -> None:
    found = dict(
        rows(
            template,
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::text::regclass AND attnum > 0",
            table,
        )
    )
    assert {name: found.get(name) for name in COLUMNS[table]} == COLUMNS[table]


def test_every_key_is_there(template: str) -> None:
    assert rows(
        template,
        "SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ANY (%s::text[]::regclass[]) AND contype IN ('p', 'u') ORDER BY 1, 2",
        list(COLUMNS),
    ) == [
        ("fsm_state", "p", "PRIMARY KEY (id)"),
        ("fsm_state", "u", "UNIQUE (fsm_type, entity_id)"),
        ("fsm_state_history", "p", "PRIMARY KEY (id)"),
        ("workflow_executions", "p", "PRIMARY KEY (workflow_id)"),
    ]


def test_every_index_is_there(template: str) -> None:
    found = dict(rows(template, "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'fsm_state'"))
    assert found.pop("fsm_state_pkey")
    assert found == {name: definition.format(name) for name, definition in INDEXES.items()}


def test_the_trigger_is_there(template: str) -> None:
    assert rows(
        template,
        "SELECT tgrelid::regclass::text, tgenabled::text FROM pg_trigger WHERE tgname = 'trigger_record_fsm_history'",
    ) == [("fsm_state", "O")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_there(template: str, name: str) -> None:
    assert rows(
        template,
        "SELECT pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc WHERE proname = %s",
        name,
    ) == [FUNCTIONS[name]]


def test_what_the_database_fills_in(database_url: str) -> None:
    rows(
        database_url, "INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('INGESTION', 'd', 'RECEIVED')"
    )
    rows(
        database_url,
        "INSERT INTO workflow_executions (workflow_id, operation_type, entity_id)"
        " VALUES ('w', 'DOCUMENT_INGESTION', 'd')",
    )
    assert rows(
        database_url,
        "SELECT uuid_send(id) IS NOT NULL, now() - transition_timestamp < '1 minute', created_at = updated_at"
        " FROM fsm_state",
    ) == [(True, True, True)]
    assert rows(
        database_url,
        "SELECT status, completed_steps, retry_count, now() - started_at < '1 minute' FROM workflow_executions",
    ) == [("RUNNING", [], 0, True)]
    assert rows(database_url, "SELECT id > 0, success FROM fsm_state_history") == [(True, True)]
