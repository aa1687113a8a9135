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
