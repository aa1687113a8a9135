-- Undoes migration 008 and every later one: all of it or, if anything depends on it, nothing.
DO $$
BEGIN
    IF to_regprocedure('foldline_begin_rollback(integer)') IS NOT NULL THEN
        PERFORM foldline_begin_rollback(8);
    END IF;
    -- 009
    DROP TABLE IF EXISTS foldline_cleaned_changes;
    DROP TRIGGER IF EXISTS trigger_fsm_state_set_by_hand ON fsm_state;
    DROP FUNCTION IF EXISTS foldline_keep_set_by_hand();
    DROP TABLE IF EXISTS foldline_set_by_hand;
    ALTER TABLE IF EXISTS foldline_dead_letters DROP COLUMN IF EXISTS judged_as;
    IF to_regclass('foldline_cleanups') IS NOT NULL THEN
        EXECUTE $restored$
CREATE OR REPLACE FUNCTION cleanup_old_fsm_history(retention_days integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$cleanup$
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
$cleanup$
        $restored$;
    END IF;
    -- 008
    ALTER TABLE IF EXISTS foldline_dead_letters
        DROP COLUMN IF EXISTS redrives,
        DROP COLUMN IF EXISTS redriven_at,
        DROP COLUMN IF EXISTS redriven_by,
        DROP COLUMN IF EXISTS answered_topic,
        DROP COLUMN IF EXISTS answered_partition,
        DROP COLUMN IF EXISTS answered_incarnation,
        DROP COLUMN IF EXISTS answered_offset,
        DROP COLUMN IF EXISTS answered_at,
        DROP COLUMN IF EXISTS closed_at,
        DROP COLUMN IF EXISTS closed_by,
        DROP COLUMN IF EXISTS why;
    IF to_regclass('foldline_dead_letters') IS NOT NULL THEN
        COMMENT ON COLUMN foldline_dead_letters.status IS 'What became of it: open until somebody redrives or drops it.';
    END IF;
END
$$;
