-- Undoes migration 002 and every later one: all of it or, if anything depends on it, nothing.
DO $$
BEGIN
    IF to_regprocedure('foldline_begin_rollback(integer)') IS NOT NULL THEN
        PERFORM foldline_begin_rollback(2);
    END IF;
    -- 009
    DROP TABLE IF EXISTS foldline_cleaned_changes;
    DROP TRIGGER IF EXISTS trigger_fsm_state_set_by_hand ON fsm_state;
    DROP FUNCTION IF EXISTS foldline_keep_set_by_hand();
    DROP TABLE IF EXISTS foldline_set_by_hand;
    -- 007
    DROP FUNCTION IF EXISTS foldline_accept_position(
        text, integer, bigint, text, bigint, boolean, text, integer, boolean, text, text);
    DROP TABLE IF EXISTS foldline_acceptances;
    DROP TABLE IF EXISTS foldline_barriers;
    DROP TABLE IF EXISTS foldline_topics;
    -- 006
    DROP TABLE IF EXISTS foldline_dead_letters;
    -- 005
    DROP TABLE IF EXISTS foldline_identities;
    -- 004
    DROP TABLE IF EXISTS foldline_machine_activations;
    DROP TABLE IF EXISTS foldline_machine_versions;
    DROP TABLE IF EXISTS foldline_positions;
    DROP FUNCTION IF EXISTS foldline_mark_move();
    -- 003
    DROP FUNCTION IF EXISTS find_stuck_workflows(double precision);
    DROP FUNCTION IF EXISTS cleanup_completed_workflows(integer);
    DROP TABLE IF EXISTS foldline_cleaned_workflows;
    DROP FUNCTION IF EXISTS foldline_add_timeline;
    DROP TABLE IF EXISTS workflow_execution_history;
    DROP TABLE IF EXISTS workflow_executions;
    DROP FUNCTION IF EXISTS foldline_mark_hand_written_workflow();
    DROP SEQUENCE IF EXISTS workflow_execution_history_id_seq;
    -- 002
    DROP FUNCTION IF EXISTS cleanup_old_fsm_history(integer);
    DROP FUNCTION IF EXISTS foldline_cut_off(integer);
    DROP TABLE IF EXISTS foldline_cleanups;
    IF to_regclass('fsm_state') IS NOT NULL THEN
        DROP TRIGGER IF EXISTS trigger_record_fsm_history ON fsm_state;
        DROP TRIGGER IF EXISTS trigger_record_fsm_history_ins ON fsm_state;
    END IF;
    DROP FUNCTION IF EXISTS record_fsm_state_history();
    DROP FUNCTION IF EXISTS foldline_open_stage();
    DROP TABLE IF EXISTS fsm_state_history;
END
$$;
