-- Undoes migration 008 and every later one: all of it or, if anything depends on it, nothing.
DO $$
BEGIN
    IF to_regprocedure('foldline_begin_rollback(integer)') IS NOT NULL THEN
        PERFORM foldline_begin_rollback(8);
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
