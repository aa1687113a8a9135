-- fsm_state: the current state of every entity, one row each.
-- Everything may be run again without harm. No extension is needed.

CREATE SEQUENCE IF NOT EXISTS fsm_state_history_id_seq AS bigint;
COMMENT ON SEQUENCE fsm_state_history_id_seq IS
    'Numbers the rows of fsm_state_history and the revisions of fsm_state. Never goes back, so no number means two things.';

CREATE TABLE IF NOT EXISTS fsm_state (
    id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    fsm_type             varchar(50)  NOT NULL,
    entity_id            varchar(255) NOT NULL,
    current_state        varchar(50)  NOT NULL,
    previous_state       varchar(50),
    transition_timestamp timestamptz  NOT NULL DEFAULT now()
        CHECK (transition_timestamp >= '1970-01-01Z' AND transition_timestamp < '2201-01-01Z'),
    metadata             jsonb,
    lease_id             varchar(255),
    lease_epoch          bigint,
    lease_expires_at     timestamptz,
    created_at           timestamptz  NOT NULL DEFAULT now(),
    updated_at           timestamptz  NOT NULL DEFAULT now(),
    -- foldline's own: what later events are judged by. Events neither read nor write the lease columns above.
    revision             bigint       NOT NULL,
    previous_revision    bigint,
    retry_count          integer      NOT NULL DEFAULT 0,
    kept_lease_id        varchar(255),
    kept_lease_epoch     bigint,
    topic                varchar(249),
    partition            integer,
    record_offset        bigint,
    CONSTRAINT idx_fsm_state_fsm_entity UNIQUE (fsm_type, entity_id)
);

COMMENT ON TABLE fsm_state IS 'Current state of every entity: the fold of its events, kept by foldline.';
COMMENT ON COLUMN fsm_state.transition_timestamp IS 'When the last transition happened, by the event''s own time.';
COMMENT ON COLUMN fsm_state.metadata IS 'The metadata of the last applied event; NULL if it had none.';
COMMENT ON COLUMN fsm_state.lease_id IS 'Action lease, taken and released by SQL. Events do not touch it.';
COMMENT ON COLUMN fsm_state.revision IS
    'Number of the change that made this row what it is: the id of its history row, or a fresh number of the same sequence.';
COMMENT ON COLUMN fsm_state.previous_revision IS 'The revision that the last event was judged on; NULL if there was no row.';
COMMENT ON COLUMN fsm_state.retry_count IS 'Applied transitions with a max since the entity last entered a final state.';
COMMENT ON COLUMN fsm_state.kept_lease_epoch IS 'Highest lease epoch among the entity''s applied events: a lower one is stale.';
COMMENT ON COLUMN fsm_state.record_offset IS 'With topic and partition: the record that moved the entity last.';

CREATE INDEX IF NOT EXISTS idx_fsm_state_current_state ON fsm_state (current_state);
CREATE INDEX IF NOT EXISTS idx_fsm_state_type_state ON fsm_state (fsm_type, current_state);
CREATE INDEX IF NOT EXISTS idx_fsm_state_lease ON fsm_state (lease_id, lease_expires_at) WHERE lease_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_fsm_state_metadata ON fsm_state USING gin (metadata)
    WITH (fastupdate = on, gin_pending_list_limit = 16384);

-- What comes from a session that has no stage (002) is written by hand.
CREATE OR REPLACE FUNCTION foldline_mark_hand_written_state() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- The number is taken behind this lock, so that a worker which saw no row either waits for us or goes first.
        -- One of 256 locks, and shared: a statement may insert millions of rows, and the lock table is small.
        PERFORM pg_advisory_xact_lock_shared(70094212, hashtext(NEW.fsm_type || chr(1) || NEW.entity_id) & 255);
        NEW.revision := nextval('fsm_state_history_id_seq');
        RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'fsm_state.id cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.updated_at := clock_timestamp();
    NEW.revision := OLD.revision;
    IF (NEW.fsm_type, NEW.entity_id, NEW.current_state, NEW.previous_state, NEW.transition_timestamp, NEW.metadata,
        NEW.retry_count, NEW.kept_lease_id, NEW.kept_lease_epoch)
       IS DISTINCT FROM
       (OLD.fsm_type, OLD.entity_id, OLD.current_state, OLD.previous_state, OLD.transition_timestamp, OLD.metadata,
        OLD.retry_count, OLD.kept_lease_id, OLD.kept_lease_epoch)
    THEN
        NEW.revision := nextval('fsm_state_history_id_seq');
    END IF;
    IF NEW.current_state <> OLD.current_state THEN
        NEW.previous_state := OLD.current_state;
        IF NEW.transition_timestamp = OLD.transition_timestamp THEN
            NEW.transition_timestamp := clock_timestamp();
        END IF;
    END IF;
    RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION foldline_mark_hand_written_state() FROM PUBLIC;
COMMENT ON FUNCTION foldline_mark_hand_written_state() IS
    'Gives a change that was written by hand its own revision, and fills previous_state and transition_timestamp.';

CREATE OR REPLACE TRIGGER trigger_fsm_state_insert_by_hand BEFORE INSERT ON fsm_state
    FOR EACH ROW WHEN (to_regclass('pg_temp.fsm_stage') IS NULL)
    EXECUTE FUNCTION foldline_mark_hand_written_state();
CREATE OR REPLACE TRIGGER trigger_fsm_state_update_by_hand BEFORE UPDATE ON fsm_state
    FOR EACH ROW WHEN (to_regclass('pg_temp.fsm_stage') IS NULL)
    EXECUTE FUNCTION foldline_mark_hand_written_state();

-- What every rollback does first. A worker holds the shared side of lock 70094210 while it lives.
CREATE OR REPLACE FUNCTION foldline_begin_rollback(first integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS
$$
BEGIN
    IF NOT pg_try_advisory_xact_lock(70094210) THEN
        RAISE EXCEPTION 'a foldline worker is running on this database'
            USING HINT = 'Stop all workers, then roll back.', ERRCODE = 'object_in_use';
    END IF;
    IF to_regclass('public.foldline_positions') IS NOT NULL THEN
        DELETE FROM foldline_positions;
    END IF;
    IF to_regclass('public.foldline_machine_activations') IS NOT NULL THEN
        DELETE FROM foldline_machine_activations;  -- they name offsets that are about to be judged again
    END IF;
    IF to_regclass('public.foldline_migrations') IS NOT NULL THEN
        DELETE FROM foldline_migrations WHERE number >= first;
    END IF;
END
$$;
COMMENT ON FUNCTION foldline_begin_rollback(integer) IS
    'Refuses while a worker runs; removes all positions, and the tracking rows of the migrations from `first` on.';
