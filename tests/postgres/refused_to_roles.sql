-- What roles.sql refuses. `-- who: what` heads the statements of one session, one of which is refused; nothing has
-- changed afterwards. {database} stands for the name of the database.

-- everybody: insert history
INSERT INTO fsm_state_history SELECT * FROM fsm_state_history;

-- everybody: insert a row of history
INSERT INTO fsm_state_history (fsm_type, entity_id, to_state, action, transitioned_at) VALUES ('INGESTION', 'doc-1',
    'INDEXED', 'COMPLETE_INDEXING', now());

-- everybody: update history
UPDATE fsm_state_history SET to_state = 'X';

-- everybody: update the time of history
UPDATE fsm_state_history SET transitioned_at = '1970-01-01Z';

-- everybody: delete history
DELETE FROM fsm_state_history;

-- everybody: merge into history
MERGE INTO fsm_state_history h USING fsm_state s ON h.entity_id = s.entity_id WHEN MATCHED THEN DELETE;

-- everybody: truncate history
TRUNCATE fsm_state_history;

-- everybody: copy into history
COPY fsm_state_history FROM STDIN;

-- everybody: copy a file into history
COPY fsm_state_history FROM '/dev/null';

-- everybody: copy history to a program
COPY fsm_state_history TO PROGRAM 'cat';

-- everybody: copy a program into history
COPY fsm_state_history FROM PROGRAM 'echo';

-- everybody: write history through a view
CREATE TEMPORARY VIEW v AS SELECT * FROM fsm_state_history;
DELETE FROM v;

-- everybody: a child of history
CREATE TEMPORARY TABLE child () INHERITS (public.fsm_state_history);

-- everybody: become a child of history
CREATE TEMPORARY TABLE child (id bigint);
ALTER TABLE child INHERIT public.fsm_state_history;

-- everybody: insert into the timeline
INSERT INTO workflow_execution_history (workflow_id, kind, occurred_at) VALUES ('wf-1', 'COMPLETED', now());

-- everybody: update the timeline
UPDATE workflow_execution_history SET kind = 'COMPLETED';

-- everybody: delete the timeline
DELETE FROM workflow_execution_history;

-- everybody: truncate the timeline
TRUNCATE workflow_execution_history;

-- everybody: truncate states
TRUNCATE fsm_state;

-- everybody: truncate everything
TRUNCATE fsm_state, fsm_state_history, workflow_executions CASCADE;

-- everybody: delete states
DELETE FROM fsm_state;

-- everybody: delete workflows
DELETE FROM workflow_executions;

-- everybody: truncate workflows
TRUNCATE workflow_executions;

-- everybody: change an entity's key
UPDATE fsm_state SET entity_id = 'other';

-- everybody: change a workflow's key
UPDATE workflow_executions SET workflow_id = 'other';

-- everybody: delete identities
DELETE FROM foldline_identities;

-- everybody: delete dead letters
DELETE FROM foldline_dead_letters;

-- everybody: change a dead letter
UPDATE foldline_dead_letters SET value = NULL;

-- everybody: delete positions
DELETE FROM foldline_positions;

-- everybody: rename a position
UPDATE foldline_positions SET topic = 'other';

-- everybody: turn a position back
UPDATE foldline_positions SET next_offset = 0;

-- everybody: say when a position moved
UPDATE foldline_positions SET moved_in = pg_current_xact_id();

-- everybody: say from where a position moved
UPDATE foldline_positions SET moved_from = 0;

-- everybody: a position that has moved
INSERT INTO foldline_positions (topic, partition, next_offset, begun_at, epoch, group_id, owner, moved_in) VALUES
    ('t', 0, 9, 0, 1, 'g', 'o', pg_current_xact_id());

-- everybody: change a machine version
UPDATE foldline_machine_versions SET definition = '{}';

-- everybody: change what a clean-up noted
UPDATE foldline_cleanups SET removed = 0;

-- everybody: note a clean-up
INSERT INTO foldline_cleanups (target, cut_off, removed) VALUES ('x', now(), 0);

-- everybody: change what is migrated
INSERT INTO foldline_migrations (number, name, checksum) VALUES (99, 'x', 'x');

-- everybody: disable triggers
ALTER TABLE fsm_state DISABLE TRIGGER ALL;

-- everybody: disable one trigger
ALTER TABLE fsm_state DISABLE TRIGGER trigger_record_fsm_history;

-- everybody: drop a trigger
DROP TRIGGER trigger_record_fsm_history ON fsm_state;

-- everybody: rename a trigger
ALTER TRIGGER trigger_record_fsm_history ON fsm_state RENAME TO x;

-- everybody: a trigger on states
CREATE TRIGGER a BEFORE UPDATE ON fsm_state FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

-- everybody: a trigger on history
CREATE TRIGGER a BEFORE INSERT ON fsm_state_history FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

-- everybody: an event trigger
CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION record_fsm_state_history();

-- everybody: a rule
CREATE RULE a AS ON INSERT TO fsm_state_history DO INSTEAD NOTHING;

-- everybody: a policy
CREATE POLICY a ON fsm_state_history USING (false);

-- everybody: row security
ALTER TABLE fsm_state_history ENABLE ROW LEVEL SECURITY;

-- everybody: an index
CREATE INDEX a ON fsm_state_history (action);

-- everybody: alter states
ALTER TABLE fsm_state ADD COLUMN x int;

-- everybody: alter history
ALTER TABLE fsm_state_history ALTER COLUMN action SET DEFAULT 'x';

-- everybody: rename history
ALTER TABLE fsm_state_history RENAME TO x;

-- everybody: drop history
DROP TABLE fsm_state_history;

-- everybody: drop states
DROP TABLE fsm_state CASCADE;

-- everybody: own history
ALTER TABLE fsm_state_history OWNER TO CURRENT_USER;

-- everybody: replace the trigger's function
CREATE OR REPLACE FUNCTION record_fsm_state_history() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';

-- everybody: drop a function
DROP FUNCTION record_fsm_state_history() CASCADE;

-- everybody: alter a function
ALTER FUNCTION record_fsm_state_history() SECURITY INVOKER;

-- everybody: a function's setting
ALTER FUNCTION cleanup_old_fsm_history(integer) SET search_path = pg_temp;

-- everybody: set a sequence
SELECT setval('fsm_state_history_id_seq', 1);

-- everybody: restart a sequence
ALTER SEQUENCE fsm_state_history_id_seq RESTART;

-- everybody: drop a sequence
DROP SEQUENCE workflow_execution_history_id_seq CASCADE;

-- everybody: take a clean-up's number
SELECT nextval('foldline_cleanups_id_seq');

-- everybody: roll back
SELECT foldline_begin_rollback(1);

-- everybody: a table in public
CREATE TABLE public.fsm_stage (id bigint);

-- everybody: a view in public
CREATE VIEW public.new_rows AS SELECT 1;

-- everybody: a function in public
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL';

-- everybody: an operator in public
CREATE OPERATOR public.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);

-- everybody: a type in public
CREATE TYPE public.oid AS (x int);

-- everybody: a sequence in public
CREATE SEQUENCE public.a;

-- everybody: a schema
CREATE SCHEMA a;

-- everybody: a function of the owner's
CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM fsm_state_history';
SELECT pg_temp.f();

-- everybody: give the owner a function
CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM fsm_state_history';
ALTER FUNCTION pg_temp.f() OWNER TO foldline_owner;

-- everybody: give the owner a stage
CREATE TEMPORARY TABLE fsm_stage (id bigint);
ALTER TABLE fsm_stage OWNER TO foldline_owner;

-- everybody: a trigger function for a table of one's own
CREATE TEMPORARY TABLE mine (LIKE public.fsm_state);
CREATE TRIGGER a AFTER INSERT ON mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION
    record_fsm_state_history();

-- everybody: a row trigger function for a table of one's own
CREATE TEMPORARY TABLE mine (LIKE public.workflow_executions);
CREATE TRIGGER a BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION foldline_mark_hand_written_workflow();

-- everybody: the catalog
UPDATE pg_trigger SET tgenabled = 'D';

-- everybody: be the owner
SET ROLE foldline_owner;

-- everybody: be the owner for a transaction
SET LOCAL ROLE foldline_owner;

-- everybody: be the owner by a setting
SELECT set_config('role', 'foldline_owner', false);

-- everybody: be the owner's session
SET SESSION AUTHORIZATION foldline_owner;

-- everybody: join the owner
GRANT foldline_owner TO CURRENT_USER;

-- everybody: join the operators
GRANT foldline_owner TO foldline_ops;

-- everybody: grant history
GRANT ALL ON fsm_state_history TO CURRENT_USER;
DELETE FROM fsm_state_history;

-- everybody: grant states
GRANT ALL ON fsm_state TO CURRENT_USER;
DELETE FROM fsm_state;

-- everybody: grant a column
GRANT UPDATE (entity_id) ON fsm_state TO CURRENT_USER;
UPDATE fsm_state SET entity_id = '';

-- everybody: grant the roll back
GRANT EXECUTE ON FUNCTION foldline_begin_rollback TO CURRENT_USER;

-- everybody: grant the schema
GRANT CREATE ON SCHEMA public TO CURRENT_USER;
CREATE TABLE public.a ();

-- everybody: default rights
ALTER DEFAULT PRIVILEGES FOR ROLE foldline_owner GRANT ALL ON TABLES TO PUBLIC;

-- everybody: take over what the owner owns
REASSIGN OWNED BY foldline_owner TO CURRENT_USER;

-- everybody: drop what the owner owns
DROP OWNED BY foldline_owner CASCADE;

-- everybody: be a superuser
ALTER ROLE CURRENT_USER SUPERUSER;

-- everybody: make roles
CREATE ROLE another;

-- everybody: drop a role
DROP ROLE foldline_reader;

-- everybody: no triggers in this session
SET session_replication_role = replica;

-- everybody: no triggers in this transaction
SET LOCAL session_replication_role = replica;

-- everybody: no triggers by a function
SELECT set_config('session_replication_role', 'replica', false);

-- everybody: no triggers from the next session on
ALTER ROLE CURRENT_USER SET session_replication_role = replica;

-- everybody: no triggers for another role
ALTER ROLE foldline_owner SET session_replication_role = replica;

-- everybody: no triggers in this database
ALTER DATABASE {database} SET session_replication_role = replica;

-- everybody: no triggers anywhere
ALTER SYSTEM SET session_replication_role = replica;

-- everybody: the right to switch triggers off
GRANT SET ON PARAMETER session_replication_role TO CURRENT_USER;

-- everybody: an owner's setting
ALTER ROLE foldline_owner SET search_path = pg_temp;

-- projector: clean up history
SELECT cleanup_old_fsm_history(0);

-- projector: clean up workflows
SELECT cleanup_completed_workflows(0);

-- projector: read history
SELECT * FROM fsm_state_history;

-- projector: read dead letters
SELECT * FROM foldline_dead_letters;

-- projector: take a lease
UPDATE fsm_state SET lease_id = 'mine';

-- projector: choose an id
INSERT INTO fsm_state (id, fsm_type, entity_id, current_state) VALUES (NULL, 'T', 'e', 'A');

-- projector: change what was judged by
UPDATE foldline_cleaned_workflows SET status = 'RUNNING';

-- projector: drop its stage
SELECT foldline_open_stage();
DROP TABLE pg_temp.fsm_stage;

-- projector: a trigger on its stage
SELECT foldline_open_stage();
CREATE TRIGGER a BEFORE INSERT ON pg_temp.fsm_stage FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();

-- projector: add to the timeline without a record
SELECT foldline_add_timeline('{99}', '{wf-1}', '{COMPLETED}', '{NULL}', '{2026-01-01Z}', '{c}', '{e}', '{NULL}', '{NULL}',
    '{1}');

-- projector: add to the timeline what the position had passed before
BEGIN;
UPDATE foldline_positions SET next_offset = 9 WHERE topic = 'workflow.executions.v1';
SELECT foldline_add_timeline('{99}', '{wf-1}', '{COMPLETED}', '{NULL}', '{2026-01-01Z}', '{c}', '{e}', '{NULL}', '{NULL}',
    '{1}');

-- projector: a child of the timeline
CREATE TEMPORARY TABLE child () INHERITS (public.workflow_execution_history);

-- reader: a stage
SELECT foldline_open_stage();

-- reader: clean up history
SELECT cleanup_old_fsm_history(0);

-- reader: clean up workflows
SELECT cleanup_completed_workflows(0);

-- reader: change a state
UPDATE fsm_state SET current_state = 'X';

-- reader: insert a state
INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('T', 'e', 'A');

-- reader: change a workflow
UPDATE workflow_executions SET status = 'FAILED';

-- reader: lock rows
SELECT * FROM fsm_state FOR SHARE;

-- reader: take a number
SELECT nextval('fsm_state_history_id_seq');

-- reader: move a position
UPDATE foldline_positions SET next_offset = next_offset + 1;

-- ops: a stage
SELECT foldline_open_stage();

-- ops: insert a state
INSERT INTO fsm_state (fsm_type, entity_id, current_state) VALUES ('T', 'e', 'A');

-- ops: insert a workflow
INSERT INTO workflow_executions (workflow_id, operation_type, entity_id) VALUES ('w', 'o', 'e');

-- ops: add to the timeline
SELECT foldline_add_timeline('{99}', '{wf-1}', '{COMPLETED}', '{NULL}', '{2026-01-01Z}', '{c}', '{e}', '{NULL}', '{NULL}',
    '{1}');

-- ops: choose a revision
UPDATE fsm_state SET current_state = 'INDEXED', revision = 2;

-- ops: choose a record
UPDATE fsm_state SET topic = 't', partition = 0, record_offset = 1;

-- ops: choose a kept lease
UPDATE fsm_state SET kept_lease_epoch = 0;

-- ops: choose a workflow's revision
UPDATE workflow_executions SET revision = 1;

-- ops: take a number
SELECT nextval('fsm_state_history_id_seq');

-- ops: move a position
UPDATE foldline_positions SET next_offset = next_offset + 1;

-- ops: a stage of its own
CREATE TEMPORARY TABLE fsm_stage (LIKE public.fsm_state_history);
GRANT ALL ON fsm_stage TO PUBLIC;
UPDATE fsm_state SET current_state = 'INDEXED';

-- ops: a stage of its own that is gone before anybody looks
CREATE TEMPORARY TABLE fsm_stage (a integer);
CREATE FUNCTION pg_temp.gone() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DROP TABLE pg_temp.fsm_stage; RETURN ''; END $$;
WITH changed AS (UPDATE fsm_state SET metadata = '{}', retry_count = 99 RETURNING id) SELECT pg_temp.gone() FROM changed;

-- projector: accept something about a position
SELECT foldline_accept_position('fsm.transitions.v1', 0, 0, 'x', 9, false, NULL, 1, false, 'why', 'me');

-- reader: accept something about a position
SELECT foldline_accept_position('fsm.transitions.v1', 0, 0, 'x', 9, false, NULL, 1, false, 'why', 'me');

-- everybody: forge an acceptance
INSERT INTO foldline_acceptances (topic, partition, problem, incarnation, from_offset, to_offset, why, accepted_by)
VALUES ('fsm.transitions.v1', 0, 'x', 0, 0, 9, 'why', 'me');

-- everybody: erase acceptances
DELETE FROM foldline_acceptances;

-- everybody: change a barrier
UPDATE foldline_barriers SET end_offset = 0;

-- everybody: erase barriers
DELETE FROM foldline_barriers;

-- projector: read the headers of dead letters
SELECT headers FROM foldline_dead_letters;

-- projector: say who dropped a dead letter
UPDATE foldline_dead_letters SET closed_by = 'me';

-- reader: drop a dead letter
UPDATE foldline_dead_letters SET status = 'dropped';

-- ops: forge an answer to a dead letter
UPDATE foldline_dead_letters SET answered_offset = 1;
