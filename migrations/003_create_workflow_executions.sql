-- workflow_executions: one row a workflow; workflow_execution_history: its timeline, one row an applied event.

CREATE SEQUENCE IF NOT EXISTS workflow_execution_history_id_seq AS bigint;
COMMENT ON SEQUENCE workflow_execution_history_id_seq IS
    'Numbers the rows of workflow_execution_history and the revisions of workflow_executions. Never goes back.';

CREATE TABLE IF NOT EXISTS workflow_executions (
    workflow_id       varchar(255) PRIMARY KEY,
    operation_type    varchar(50)  NOT NULL,
    entity_id         varchar(255) NOT NULL,
    status            varchar(20)  NOT NULL DEFAULT 'RUNNING'
        CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED', 'PAUSED')),
    current_step      varchar(100),
    completed_steps   jsonb        NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(completed_steps) = 'array'),
    started_at        timestamptz  NOT NULL DEFAULT now()
        CHECK (started_at >= '1970-01-01Z' AND started_at < '2201-01-01Z'),
    completed_at      timestamptz  CHECK (completed_at >= '1970-01-01Z' AND completed_at < '2201-01-01Z'),
    duration_ms       double precision,
    correlation_id    varchar(255),
    input_payload     jsonb,
    output_results    jsonb,
    error_message     text,
    retry_count       integer      NOT NULL DEFAULT 0,
    failed_step       varchar(100),
    metadata          jsonb,
    last_event_at     timestamptz  CHECK (last_event_at >= '1970-01-01Z' AND last_event_at < '2201-01-01Z'),
    created_at        timestamptz  NOT NULL DEFAULT now(),
    updated_at        timestamptz  NOT NULL DEFAULT now()
        CHECK (updated_at >= '1970-01-01Z' AND updated_at < '2201-01-01Z'),
    -- foldline's own: what later events are judged by
    revision          bigint       NOT NULL,
    previous_revision bigint,
    kept_lease_id     varchar(255),
    kept_lease_epoch  bigint,
    topic             varchar(249),
    partition         integer,
    record_offset     bigint
);

COMMENT ON TABLE workflow_executions IS 'Every workflow as its events left it, kept by foldline.';
COMMENT ON COLUMN workflow_executions.duration_ms IS 'Milliseconds from started_at to completed_at; NULL while open and if negative.';
COMMENT ON COLUMN workflow_executions.last_event_at IS 'Time of the last applied event in the log; NULL if written by hand.';
COMMENT ON COLUMN workflow_executions.revision IS
    'Number of the change that made this row what it is: the id of its timeline row, or a fresh number of the same sequence.';

CREATE INDEX IF NOT EXISTS idx_workflow_executions_status ON workflow_executions (status, started_at);
CREATE INDEX IF NOT EXISTS idx_workflow_executions_entity ON workflow_executions (entity_id);
CREATE INDEX IF NOT EXISTS idx_workflow_executions_correlation ON workflow_executions (correlation_id);

CREATE TABLE IF NOT EXISTS workflow_execution_history (
    id             bigint PRIMARY KEY DEFAULT nextval('workflow_execution_history_id_seq'),
    workflow_id    varchar(255) NOT NULL,
    kind           varchar(20)  NOT NULL,
    step           varchar(100),
    occurred_at    timestamptz  NOT NULL,
    correlation_id varchar(255),
    event_id       varchar(255),
    error_message  text,
    payload        jsonb,
    topic          varchar(249),
    partition      integer,
    record_offset  bigint
);
COMMENT ON TABLE workflow_execution_history IS 'The timeline of every workflow: one row an applied event, by id in the log''s order.';
CREATE INDEX IF NOT EXISTS idx_workflow_history_workflow ON workflow_execution_history (workflow_id, id);

CREATE OR REPLACE FUNCTION foldline_add_timeline(
        ids bigint[], workflow_ids text[], kinds text[], steps text[], occurred_ats timestamptz[],
        correlation_ids text[], event_ids text[], error_messages text[], payloads text[], offsets bigint[])
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
DECLARE
    moved   record;
    written bigint;
BEGIN
    SELECT topic, partition, moved_from, next_offset INTO moved
      FROM foldline_positions WHERE moved_in = pg_current_xact_id() ORDER BY moved_at DESC LIMIT 1;
    INSERT INTO workflow_execution_history
          (id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload, topic, partition,
           record_offset)
    SELECT id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload::jsonb,
           moved.topic, moved.partition, record_offset
      FROM unnest(ids, workflow_ids, kinds, steps, occurred_ats, correlation_ids, event_ids, error_messages, payloads,
                  offsets)
        AS applied (id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload,
                    record_offset)
     WHERE record_offset >= moved.moved_from AND record_offset < moved.next_offset;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(ids) OR written > moved.next_offset - moved.moved_from THEN
        RAISE EXCEPTION 'the timeline holds what no position has passed over in this transaction'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN written;
END
$$;
REVOKE EXECUTE ON FUNCTION foldline_add_timeline FROM PUBLIC;
COMMENT ON FUNCTION foldline_add_timeline IS
    'Adds applied events to the timeline, of records that a position (004) passes over in the same transaction.';

-- What a clean-up removed goes on deciding: the row as it was, so that later events are judged alike and RETRIED can
-- bring it back. A completed workflow cannot come back; of it the payloads are not kept.
CREATE TABLE IF NOT EXISTS foldline_cleaned_workflows (LIKE workflow_executions INCLUDING DEFAULTS);
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'foldline_cleaned_workflows'::regclass AND contype = 'p') THEN
        ALTER TABLE foldline_cleaned_workflows ADD PRIMARY KEY (workflow_id);
    END IF;
END
$$;
COMMENT ON TABLE foldline_cleaned_workflows IS 'Workflows that a clean-up removed, as later events are judged by them.';

CREATE OR REPLACE FUNCTION foldline_mark_hand_written_workflow() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
BEGIN
    IF NEW.status IN ('COMPLETED', 'FAILED') THEN
        NEW.completed_at := coalesce(NEW.completed_at, clock_timestamp());
        IF NEW.duration_ms IS NULL AND NEW.completed_at >= NEW.started_at THEN
            NEW.duration_ms := (extract(epoch FROM NEW.completed_at - NEW.started_at) * 1000)::double precision;
        END IF;
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_advisory_xact_lock_shared(70094213, hashtext(NEW.workflow_id) & 255);
        DELETE FROM foldline_cleaned_workflows WHERE workflow_id = NEW.workflow_id;
        NEW.revision := nextval('workflow_execution_history_id_seq');
        RETURN NEW;
    END IF;
    NEW.revision := OLD.revision;
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := clock_timestamp();
        NEW.revision := nextval('workflow_execution_history_id_seq');
    END IF;
    RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION foldline_mark_hand_written_workflow() FROM PUBLIC;
COMMENT ON FUNCTION foldline_mark_hand_written_workflow() IS
    'Gives a change that was written by hand its own revision, and an ended workflow its end and duration.';

CREATE OR REPLACE TRIGGER trigger_workflow_insert_by_hand BEFORE INSERT ON workflow_executions
    FOR EACH ROW WHEN (NEW.revision IS NULL OR to_regclass('pg_temp.fsm_stage') IS NULL)
    EXECUTE FUNCTION foldline_mark_hand_written_workflow();
CREATE OR REPLACE TRIGGER trigger_workflow_update_by_hand BEFORE UPDATE ON workflow_executions
    FOR EACH ROW WHEN (NEW.revision IS NULL OR NEW.revision <= OLD.revision
                       OR to_regclass('pg_temp.fsm_stage') IS NULL)
    EXECUTE FUNCTION foldline_mark_hand_written_workflow();

CREATE OR REPLACE FUNCTION cleanup_completed_workflows(retention_days integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
DECLARE
    cut_off CONSTANT timestamptz := foldline_cut_off(retention_days);
    removed bigint;
BEGIN
    WITH gone AS (
        DELETE FROM workflow_executions
         WHERE status IN ('COMPLETED', 'FAILED') AND coalesce(completed_at, last_event_at, updated_at) < cut_off
        RETURNING *
    ), timeline AS (
        DELETE FROM workflow_execution_history h USING gone WHERE h.workflow_id = gone.workflow_id
    )
    INSERT INTO foldline_cleaned_workflows SELECT * FROM gone;
    GET DIAGNOSTICS removed = ROW_COUNT;
    UPDATE foldline_cleaned_workflows
       SET input_payload = NULL, output_results = NULL, error_message = NULL, metadata = NULL, completed_steps = '[]'
     WHERE status = 'COMPLETED' AND (input_payload, output_results, metadata) IS DISTINCT FROM (NULL, NULL, NULL);
    INSERT INTO foldline_cleanups (target, cut_off, removed) VALUES ('workflow_executions', cut_off, removed);
    RETURN removed;
END
$$;
REVOKE EXECUTE ON FUNCTION cleanup_completed_workflows(integer) FROM PUBLIC;
COMMENT ON FUNCTION cleanup_completed_workflows(integer) IS
    'Removes completed and failed workflows that ended more than so many days ago, with their timeline; returns how many.';

CREATE OR REPLACE FUNCTION find_stuck_workflows(timeout_hours double precision)
    RETURNS TABLE (workflow_id varchar, operation_type varchar, current_step varchar,
                   stuck_duration_hours double precision, entity_id varchar, started_at timestamptz,
                   last_event_at timestamptz)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS
$$
#variable_conflict use_column
BEGIN
    IF timeout_hours IS NULL OR NOT timeout_hours >= 0 OR timeout_hours = 'NaN' THEN
        RAISE EXCEPTION 'timeout_hours must be zero or more, not %', coalesce(timeout_hours::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT w.workflow_id, w.operation_type, w.current_step,
               (extract(epoch FROM clock_timestamp() - coalesce(w.last_event_at, w.updated_at)) / 3600)::double precision,
               w.entity_id, w.started_at, w.last_event_at
          FROM workflow_executions w
         WHERE w.status = 'RUNNING'
           AND extract(epoch FROM clock_timestamp() - coalesce(w.last_event_at, w.updated_at)) >= timeout_hours * 3600
         ORDER BY coalesce(w.last_event_at, w.updated_at), w.workflow_id;
END
$$;
COMMENT ON FUNCTION find_stuck_workflows(double precision) IS
    'RUNNING workflows without an event for so many hours, counted from their last event''s time, oldest first.';
