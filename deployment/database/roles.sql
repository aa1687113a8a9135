-- Four groups of users, and what each may do with foldline's tables. Everything else is refused to them.
--
--   foldline_owner      owns every object; `foldline migrate` acts as it
--   foldline_projector  workers: `foldline run`
--   foldline_reader     reads everything, writes nothing: `foldline status`, `history` and so on, dashboards
--   foldline_ops        reads everything, corrects states and workflows by SQL, takes leases, cleans up
--
-- Nobody can log in as one of them: make users, and make each a member of one group. In full: docs/security.md.
--
--   psql -f deployment/database/roles.sql      as a superuser, or as the owner of the database who may create roles
--   CREATE ROLE deploy  LOGIN PASSWORD '...' IN ROLE foldline_owner;
--   CREATE ROLE worker  LOGIN PASSWORD '...' IN ROLE foldline_projector;
--   DATABASE_URL='postgresql://deploy:...@host/database?options=-c%20role%3Dfoldline_owner' foldline migrate
--   DATABASE_URL='postgresql://worker:...@host/database' foldline run
--
-- Run it before or after the first `foldline migrate`; tables that are there already are handed over to foldline_owner,
-- for which no worker may run. It may be run again at any time, and says the last word: what these four groups had
-- before and is not listed here is taken from them. `foldline migrate`, acting as foldline_owner, runs it at its end, so
-- that what a new release adds is granted too; who applies the migrations in another way runs it afterwards.

DO $$
DECLARE
    everybody CONSTANT text[] := ARRAY['foldline_owner', 'foldline_projector', 'foldline_reader', 'foldline_ops'];
    tables CONSTANT text[] := ARRAY[
        'fsm_state', 'fsm_state_history', 'workflow_executions', 'workflow_execution_history', 'foldline_positions',
        'foldline_machine_versions', 'foldline_machine_activations', 'foldline_identities', 'foldline_dead_letters',
        'foldline_cleaned_workflows', 'foldline_cleaned_changes', 'foldline_cleanups', 'foldline_migrations',
        'foldline_set_by_hand', 'foldline_topics', 'foldline_barriers', 'foldline_acceptances'];
    sequences CONSTANT text[] := ARRAY['fsm_state_history_id_seq', 'workflow_execution_history_id_seq'];
    functions CONSTANT text[] := ARRAY[
        'foldline_begin_rollback(integer)', 'foldline_mark_hand_written_state()', 'foldline_open_stage()',
        'record_fsm_state_history()', 'foldline_cut_off(integer)', 'cleanup_old_fsm_history(integer)',
        'foldline_mark_hand_written_workflow()', 'foldline_keep_set_by_hand()', 'cleanup_completed_workflows(integer)',
        'find_stuck_workflows(double precision)', 'foldline_mark_move()',
        'foldline_add_timeline(bigint[],text[],text[],text[],timestamptz[],text[],text[],text[],text[],bigint[])',
        'foldline_accept_position(text,integer,bigint,text,bigint,boolean,text,integer,boolean,text,text)'];
    role_name text;
    object    record;
BEGIN
    PERFORM pg_advisory_xact_lock(70094211);  -- migrations, and this file, one at a time

    FOREACH role_name IN ARRAY everybody LOOP
        IF to_regrole(role_name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- roles belong to the whole server: another database was quicker
            END;
        END IF;
    END LOOP;

    -- What only the owner of the database can do, once.
    IF pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
        FOREACH role_name IN ARRAY everybody LOOP
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
        END LOOP;
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO foldline_owner', current_database());  -- for workers' stages
        -- Whoever may make a temporary table may make one that looks like a worker's stage.
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
        GRANT CREATE ON SCHEMA public TO foldline_owner;
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        IF NOT pg_has_role('foldline_owner', 'USAGE') THEN
            EXECUTE 'GRANT foldline_owner TO CURRENT_USER';  -- nobody can hand over to a role that is not theirs
        END IF;
    END IF;
    IF EXISTS (SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
                WHERE nspname = 'public' AND grantee = 0 AND privilege_type = 'CREATE') THEN
        RAISE EXCEPTION 'everybody may create objects in the schema public; its owner must REVOKE CREATE from PUBLIC';
    END IF;

    -- Handing over. A worker's stage is believed only if the owner of the history made it, so none may run meanwhile.
    FOR object IN
        SELECT 'TABLE' AS kind, name, relowner AS owner
          FROM unnest(tables || sequences) AS name JOIN pg_class ON oid = to_regclass('public.' || name)
        UNION ALL
        SELECT 'FUNCTION', name, proowner
          FROM unnest(functions) AS name JOIN pg_proc ON oid = to_regprocedure('public.' || name)
    LOOP
        IF object.owner <> to_regrole('foldline_owner') THEN
            IF NOT pg_try_advisory_xact_lock(70094210) THEN
                RAISE EXCEPTION 'a foldline worker is running on this database'
                    USING HINT = 'Stop all workers, then run this again.', ERRCODE = 'object_in_use';
            END IF;
            EXECUTE format('ALTER %s public.%s OWNER TO foldline_owner', object.kind, object.name);
        END IF;
        EXECUTE format('REVOKE ALL ON %s public.%s FROM PUBLIC, foldline_projector, foldline_reader, foldline_ops',
                       object.kind, object.name);
    END LOOP;

    -- Rights, from none on; what is not there yet is left out.
    FOR object IN
        SELECT * FROM (
            SELECT name, 'SELECT', 'foldline_reader, foldline_ops' FROM unnest(tables) AS name
            UNION ALL  -- VACUUM and ANALYZE, where PostgreSQL has a right for it
            SELECT name, 'MAINTAIN', 'foldline_ops' FROM unnest(tables) AS name
             WHERE current_setting('server_version_num')::integer >= 170000
            UNION ALL VALUES
            -- A worker: the row of every event, and of what it is judged by. Numbers, keys and times of its own making
            -- are left to the database; history is what the trigger on fsm_state writes from its stage, and a function.
            ('fsm_state',
             'SELECT,
              INSERT (fsm_type, entity_id, current_state, previous_state, transition_timestamp, metadata, revision,
                      previous_revision, retry_count, kept_lease_id, kept_lease_epoch, topic, partition, record_offset),
              UPDATE (current_state, previous_state, transition_timestamp, metadata, updated_at, revision,
                      previous_revision, retry_count, kept_lease_id, kept_lease_epoch, topic, partition, record_offset)',
             'foldline_projector'),
            ('workflow_executions',
             'SELECT, INSERT,
              UPDATE (status, current_step, completed_steps, completed_at, duration_ms, output_results, error_message,
                      retry_count, failed_step, metadata, last_event_at, updated_at, revision, previous_revision,
                      kept_lease_id, kept_lease_epoch, topic, partition, record_offset)',
             'foldline_projector'),
            ('foldline_positions',
             'SELECT,
              INSERT (topic, partition, next_offset, begun_at, epoch, topic_id, group_id, owner),
              UPDATE (next_offset, epoch, topic_id, leader_epoch, leader_epoch_at, applied, duplicate, rejected, undecodable, group_id,
                      owner, claimed_at, moved_at, stopped_reason, tripped)',
             'foldline_projector'),
            ('foldline_topics', 'SELECT, INSERT, UPDATE (partitions)', 'foldline_projector'),
            ('foldline_barriers', 'SELECT, INSERT (topic, partition, older, end_offset)', 'foldline_projector'),
            ('foldline_machine_versions', 'SELECT, INSERT (fsm_type, version, digest, definition)', 'foldline_projector'),
            ('foldline_machine_activations',
             'SELECT, INSERT (topic, partition, incarnation, fsm_type, from_offset, version)',
             'foldline_projector'),
            ('foldline_identities', 'SELECT, INSERT, UPDATE (rejected)', 'foldline_projector'),
            ('foldline_dead_letters',  -- of those that are there: how many wait, for how long, and which a redrive answers
             'SELECT (verdict, reason, status, recorded_at, topic, partition, incarnation, record_offset, value),
              UPDATE (status, answered_topic, answered_partition, answered_incarnation, answered_offset, answered_at),
              INSERT (topic, partition, incarnation, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id,
                      correlation_id, event_id, key, value, headers, record_timestamp_ms, judged_as)',
             'foldline_projector'),
            ('foldline_cleaned_workflows',
             'SELECT, DELETE, UPDATE (updated_at)',  -- an event may bring one back; the UPDATE is for locking rows
             'foldline_projector'),
            ('foldline_migrations', 'SELECT', 'foldline_projector'),
            ('fsm_state_history_id_seq', 'USAGE', 'foldline_projector'),
            ('workflow_execution_history_id_seq', 'USAGE', 'foldline_projector'),
            ('foldline_open_stage()', 'EXECUTE', 'foldline_projector'),
            ('foldline_add_timeline(bigint[],text[],text[],text[],timestamptz[],text[],text[],text[],text[],bigint[])',
             'EXECUTE',
             'foldline_projector'),
            -- Operators: what may be corrected by hand. What events are judged by beyond it is not for hands.
            ('fsm_state',
             'UPDATE (current_state, transition_timestamp, metadata, retry_count, lease_id, lease_epoch,
                      lease_expires_at)',
             'foldline_ops'),
            ('workflow_executions',
             'UPDATE (status, current_step, completed_steps, failed_step, completed_at, duration_ms, error_message,
                      metadata)',
             'foldline_ops'),
            ('foldline_dead_letters',
             'UPDATE (status, redrives, redriven_at, redriven_by, closed_at, closed_by, why)',
             'foldline_ops'),
            ('foldline_accept_position(text,integer,bigint,text,bigint,boolean,text,integer,boolean,text,text)',
             'EXECUTE',
             'foldline_ops'),
            ('cleanup_old_fsm_history(integer)', 'EXECUTE', 'foldline_ops'),
            ('cleanup_completed_workflows(integer)', 'EXECUTE', 'foldline_ops'),
            ('find_stuck_workflows(double precision)', 'EXECUTE', 'foldline_reader, foldline_ops')
        ) AS granted (name, privileges, groups)
        WHERE CASE WHEN name LIKE '%(%' THEN to_regprocedure('public.' || name) IS NOT NULL
                   ELSE to_regclass('public.' || name) IS NOT NULL END
    LOOP
        EXECUTE format('GRANT %s ON %s public.%s TO %s', object.privileges,
                       CASE WHEN object.name LIKE '%(%' THEN 'FUNCTION' ELSE 'TABLE' END, object.name, object.groups);
    END LOOP;
END
$$;
