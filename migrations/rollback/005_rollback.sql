-- Undoes migration 005 and every later one: all of it or, if anything depends on it, nothing.
DO $$
BEGIN
    IF to_regprocedure('foldline_begin_rollback(integer)') IS NOT NULL THEN
        PERFORM foldline_begin_rollback(5);
    END IF;
    -- 006
    DROP TABLE IF EXISTS foldline_dead_letters;
    -- 005
    DROP TABLE IF EXISTS foldline_identities;
END
$$;
