-- fsm_state_history: the audit trail. Its rows are written by the trigger on fsm_state, and by nothing else.

CREATE TABLE IF NOT EXISTS fsm_state_history (
    id                 bigint PRIMARY KEY DEFAULT nextval('fsm_state_history_id_seq'),
    fsm_type           varchar(50)  NOT NULL,
    entity_id          varchar(255) NOT NULL,
    from_state         varchar(50),
    to_state           varchar(50)  NOT NULL,
    action             varchar(50)  NOT NULL,
    transitioned_at    timestamptz  NOT NULL,
    duration_ms        double precision,
    correlation_id     varchar(255),
    metadata           jsonb,
    success            boolean      NOT NULL DEFAULT true,
    error_message      text,
    event_id           varchar(255),
    reason             varchar(50),
    topic              varchar(249),
    partition          integer,
    record_offset      bigint,
    definition_version integer,
    recorded_at        timestamptz
);

COMMENT ON TABLE fsm_state_history IS
    'Every hop, failed attempt and rejection of every entity; per entity the order of id is the order of the log.';
COMMENT ON COLUMN fsm_state_history.duration_ms IS
    'Milliseconds from the previous transition to this one, by event time; NULL on the first, if negative, and without a hop.';
COMMENT ON COLUMN fsm_state_history.reason IS 'Why the event was rejected; NULL unless it was.';
COMMENT ON COLUMN fsm_state_history.record_offset IS
    'With topic and partition: the record behind this row. On a MANUAL row: the record that had moved the entity before.';
COMMENT ON COLUMN fsm_state_history.definition_version IS 'Version of the machine that judged the event.';
COMMENT ON COLUMN fsm_state_history.recorded_at IS
    'When a change by hand was made, whatever time it names; NULL on the rows of events.';

CREATE INDEX IF NOT EXISTS idx_fsm_history_entity ON fsm_state_history (fsm_type, entity_id, id);
CREATE INDEX IF NOT EXISTS idx_fsm_history_correlation ON fsm_state_history (correlation_id);
CREATE INDEX IF NOT EXISTS idx_fsm_history_transitioned_at ON fsm_state_history USING brin (transitioned_at);

-- Where a worker puts the folded rows of one batch before it takes any lock. It is the owner of the history who makes
-- this table, so the trigger below can tell it from a table of the same name that somebody else made. Whose records they
-- are is not in it: that is the partition whose position moves in the same transaction.
CREATE OR REPLACE FUNCTION foldline_open_stage() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
BEGIN
    CREATE TEMPORARY TABLE fsm_stage (
        id                 bigint       NOT NULL,
        fsm_type           varchar(50)  NOT NULL,
        entity_id          varchar(255) NOT NULL,
        from_state         varchar(50),
        to_state           varchar(50)  NOT NULL,
        action             varchar(50)  NOT NULL,
        transitioned_at    timestamptz  NOT NULL,
        duration_ms        double precision,
        correlation_id     varchar(255) NOT NULL,
        metadata           jsonb,
        success            boolean      NOT NULL,
        error_message      text,
        event_id           varchar(255) NOT NULL,
        reason             varchar(50),
        record_offset      bigint       NOT NULL,
        definition_version integer      NOT NULL,
        fresh              boolean      NOT NULL,  -- a hop of an entity that has no row yet
        last               boolean      NOT NULL,  -- the last hop of its entity in this batch; then the rest is set too
        previous_revision  bigint,
        retry_count        integer,
        kept_lease_id      varchar(255),
        kept_lease_epoch   bigint
    ) ON COMMIT DELETE ROWS;
    EXECUTE format('GRANT SELECT, INSERT ON pg_temp.fsm_stage TO %I', session_user);
END
$$;
REVOKE EXECUTE ON FUNCTION foldline_open_stage() FROM PUBLIC;  -- whoever has a stage can write history
COMMENT ON FUNCTION foldline_open_stage() IS 'Makes this session''s stage: the folded rows of one batch, emptied by COMMIT.';

CREATE OR REPLACE FUNCTION record_fsm_state_history() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_nestloop = off AS
$$
DECLARE
    stage    CONSTANT oid := to_regclass('pg_temp.fsm_stage');
    changed  record;
    expected record;
    moved    record;
    written  bigint;
BEGIN
    -- A session that has a stage writes what the stage holds, already folded, or nothing.
    IF stage IS NOT NULL THEN
        IF (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = stage) <> current_user THEN
            RAISE EXCEPTION 'pg_temp.fsm_stage was not made by foldline_open_stage()'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        SELECT count(*) AS rows, sum(revision) AS revisions INTO changed FROM new_rows;
        SELECT count(*) FILTER (WHERE last) AS rows, sum(id) FILTER (WHERE last) AS revisions, count(*) AS hops,
               max(id) AS newest, count(*) FILTER (WHERE id <= coalesce(previous_revision, 0)) AS backwards
          INTO expected FROM pg_temp.fsm_stage WHERE fresh = (TG_OP = 'INSERT');
        IF (changed.rows, changed.revisions) IS DISTINCT FROM (expected.rows, expected.revisions) THEN
            RAISE EXCEPTION 'the fold started from rows that have changed since'
                USING ERRCODE = 'serialization_failure';
        END IF;
        IF expected.hops = 0 THEN
            RETURN NULL;
        END IF;
        IF expected.backwards > 0 OR expected.newest > (SELECT last_value FROM fsm_state_history_id_seq) THEN
            RAISE EXCEPTION 'the stage numbers its rows as nobody reserved them' USING ERRCODE = 'insufficient_privilege';
        END IF;
        -- History only grows by records that a position passes over in the same transaction (004).
        SELECT topic, partition, moved_from, next_offset INTO moved
          FROM foldline_positions WHERE moved_in = pg_current_xact_id() ORDER BY moved_at DESC LIMIT 1;
        INSERT INTO fsm_state_history
              (id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id,
               metadata, success, error_message, event_id, reason, topic, partition, record_offset,
               definition_version)
        SELECT id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id,
               metadata, success, error_message, event_id, reason, moved.topic, moved.partition, record_offset,
               definition_version
          FROM pg_temp.fsm_stage
         WHERE fresh = (TG_OP = 'INSERT')
           AND record_offset >= moved.moved_from AND record_offset < moved.next_offset;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> expected.hops OR written > moved.next_offset - moved.moved_from THEN
            RAISE EXCEPTION 'the stage holds what no position has passed over in this transaction'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END IF;

    -- Written by hand: one row for each state that changed. Its id is the number that the row took under its lock.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO fsm_state_history
              (id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, metadata, success, recorded_at)
        SELECT revision, fsm_type, entity_id, NULL, current_state, 'MANUAL', transition_timestamp, metadata, true,
               clock_timestamp()
          FROM new_rows;
    ELSE
        INSERT INTO fsm_state_history
              (id, fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms, metadata, success,
               topic, partition, record_offset, recorded_at)
        SELECT n.revision, n.fsm_type, n.entity_id, o.current_state, n.current_state, 'MANUAL', n.transition_timestamp,
               CASE WHEN n.transition_timestamp >= o.transition_timestamp
                    THEN (extract(epoch FROM n.transition_timestamp - o.transition_timestamp) * 1000)::double precision
               END,
               CASE WHEN n.metadata IS DISTINCT FROM o.metadata THEN n.metadata END,
               true, n.topic, n.partition, n.record_offset, clock_timestamp()
          FROM new_rows n JOIN old_rows o USING (id)
         WHERE n.current_state <> o.current_state;
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION record_fsm_state_history() FROM PUBLIC;  -- else it could be made a trigger of any table
COMMENT ON FUNCTION record_fsm_state_history() IS
    'Writes the history of a worker''s batch from its stage, and a MANUAL row for each state changed by hand.';

CREATE OR REPLACE TRIGGER trigger_record_fsm_history AFTER UPDATE ON fsm_state
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION record_fsm_state_history();
CREATE OR REPLACE TRIGGER trigger_record_fsm_history_ins AFTER INSERT ON fsm_state
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION record_fsm_state_history();

CREATE TABLE IF NOT EXISTS foldline_cleanups (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target   varchar(50) NOT NULL CHECK (target IN ('fsm_state_history', 'workflow_executions')),
    cut_off  timestamptz NOT NULL,
    removed  bigint      NOT NULL,
    ran_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ran_by   text        NOT NULL DEFAULT session_user
);
COMMENT ON TABLE foldline_cleanups IS 'What each clean-up removed: everything of `target` older than `cut_off`, by event time.';

CREATE OR REPLACE FUNCTION foldline_cut_off(retention_days integer) RETURNS timestamptz LANGUAGE plpgsql STABLE AS
$$
BEGIN
    IF retention_days IS NULL OR retention_days < 0 THEN
        RAISE EXCEPTION 'retention_days must be zero or more, not %', coalesce(retention_days::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Within the clean-ups, the owner of the tables is current_user, and whoever calls is session_user.
    IF retention_days < 7 AND NOT pg_has_role(session_user, current_user, 'USAGE') THEN
        RAISE EXCEPTION 'less than 7 days is for the owner of the tables' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Nothing is older than 1970, and a date before our era is one that many clients cannot read.
    RETURN greatest(clock_timestamp() - make_interval(days => least(retention_days, 100000)), '1970-01-01Z');
END
$$;

CREATE OR REPLACE FUNCTION cleanup_old_fsm_history(retention_days integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
DECLARE
    cut_off CONSTANT timestamptz := foldline_cut_off(retention_days);
    removed bigint;
BEGIN
    -- What was written by hand may name any time; it goes when it was recorded so long ago.
    DELETE FROM fsm_state_history WHERE transitioned_at < cut_off AND (recorded_at IS NULL OR recorded_at < cut_off);
    GET DIAGNOSTICS removed = ROW_COUNT;
    INSERT INTO foldline_cleanups (target, cut_off, removed) VALUES ('fsm_state_history', cut_off, removed);
    RETURN removed;
END
$$;
REVOKE EXECUTE ON FUNCTION cleanup_old_fsm_history(integer) FROM PUBLIC;
COMMENT ON FUNCTION cleanup_old_fsm_history(integer) IS
    'Removes history older than so many days, by event time, and returns how many rows. Identities and states stay.
Rows of changes by hand must have been recorded so long ago, too. Less than 7 days is for the owner of the tables.';
