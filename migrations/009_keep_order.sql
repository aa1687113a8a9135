-- What a replay has to know of the order in which an entity met its events, where no partition of the log tells it.

ALTER TABLE foldline_dead_letters ADD COLUMN IF NOT EXISTS judged_as bigint;
COMMENT ON COLUMN foldline_dead_letters.judged_as IS
    'The number that was reserved for its event, as rows of history or timeline have one: between which of them it was judged.';

-- A change by hand decides what later events meet, also when the row that tells of it is gone.
CREATE TABLE IF NOT EXISTS foldline_cleaned_changes (
    id              bigint       PRIMARY KEY,
    fsm_type        varchar(50)  NOT NULL,
    entity_id       varchar(255) NOT NULL,
    from_state      varchar(50),
    to_state        varchar(50)  NOT NULL,
    transitioned_at timestamptz  NOT NULL,
    recorded_at     timestamptz,
    topic           varchar(249),
    partition       integer,
    record_offset   bigint
);
COMMENT ON TABLE foldline_cleaned_changes IS 'MANUAL rows of the history that a clean-up removed, as a replay needs them.';

CREATE OR REPLACE FUNCTION cleanup_old_fsm_history(retention_days integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
DECLARE
    cut_off CONSTANT timestamptz := foldline_cut_off(retention_days);
    removed bigint;
BEGIN
    -- What was written by hand may name any time; it goes when it was recorded so long ago.
    WITH gone AS (
        DELETE FROM fsm_state_history
         WHERE transitioned_at < cut_off AND (recorded_at IS NULL OR recorded_at < cut_off)
        RETURNING *
    ), kept AS (
        INSERT INTO foldline_cleaned_changes
        SELECT id, fsm_type, entity_id, from_state, to_state, transitioned_at, recorded_at, topic, partition,
               record_offset
          FROM gone
         WHERE action = 'MANUAL' AND event_id IS NULL  -- an event's action may be called so, too
    )
    SELECT count(*) INTO removed FROM gone;
    INSERT INTO foldline_cleanups (target, cut_off, removed) VALUES ('fsm_state_history', cut_off, removed);
    RETURN removed;
END
$$;

-- Beside its state, an entity is judged by its retries and by how long it has been there: set by hand, they are in no row
-- of the history.
CREATE TABLE IF NOT EXISTS foldline_set_by_hand (
    id                   bigint       PRIMARY KEY,
    fsm_type             varchar(50)  NOT NULL,
    entity_id            varchar(255) NOT NULL,
    from_state           varchar(50)  NOT NULL,
    to_state             varchar(50)  NOT NULL,
    transition_timestamp timestamptz  NOT NULL,
    retry_count          integer      NOT NULL,
    topic                varchar(249),
    partition            integer,
    record_offset        bigint
);
COMMENT ON TABLE foldline_set_by_hand IS
    'Retries and times that were set by hand, by the number of the change: a MANUAL row of the history has it, too, if the state changed.';

CREATE OR REPLACE FUNCTION foldline_keep_set_by_hand() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
BEGIN
    INSERT INTO foldline_set_by_hand
    VALUES (NEW.revision, NEW.fsm_type, NEW.entity_id, OLD.current_state, NEW.current_state, NEW.transition_timestamp,
            NEW.retry_count, NEW.topic, NEW.partition, NEW.record_offset);
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION foldline_keep_set_by_hand() FROM PUBLIC;
COMMENT ON FUNCTION foldline_keep_set_by_hand() IS 'Keeps what was set by hand and later events are judged by, beside the state.';

CREATE OR REPLACE TRIGGER trigger_fsm_state_set_by_hand AFTER UPDATE ON fsm_state
    FOR EACH ROW WHEN ((NEW.retry_count <> OLD.retry_count
                        OR (NEW.transition_timestamp <> OLD.transition_timestamp AND NEW.current_state = OLD.current_state))
                       AND to_regclass('pg_temp.fsm_stage') IS NULL)
    EXECUTE FUNCTION foldline_keep_set_by_hand();
