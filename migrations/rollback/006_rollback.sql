-- Undoes migration 006 and every later one: all of it or, if anything depends on it, nothing.
DO $$
BEGIN
    IF to_regprocedure('foldline_begin_rollback(integer)') IS NOT NULL THEN
        PERFORM foldline_begin_rollback(6);
    END IF;
    -- 006
    DROP TABLE IF EXISTS foldline_dead_letters;
END
$$;
