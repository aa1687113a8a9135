-- A log that is not what it was: which of the logs of one name a position is in, what an operator has accepted of it,
-- and which partitions were added later.

ALTER TABLE foldline_positions
    ADD COLUMN IF NOT EXISTS incarnation         integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS leader_epoch_at     bigint,
    ADD COLUMN IF NOT EXISTS tripped             boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS compaction_accepted boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN foldline_positions.topic_id IS 'The id that Kafka gave the topic: another one is another log under the same name.';
COMMENT ON COLUMN foldline_positions.incarnation IS 'How often an operator has accepted another log in place of this one: its offsets are used again.';
COMMENT ON COLUMN foldline_positions.leader_epoch_at IS 'The offset after that record: less than next_offset where control records follow it.';
COMMENT ON COLUMN foldline_positions.tripped IS 'Stopped by the breaker: no claim clears that, an operator does.';
COMMENT ON COLUMN foldline_positions.compaction_accepted IS 'An operator has accepted that the topic is compacted.';

ALTER TABLE foldline_machine_activations ADD COLUMN IF NOT EXISTS incarnation integer NOT NULL DEFAULT 0;
ALTER TABLE foldline_machine_activations DROP CONSTRAINT IF EXISTS foldline_machine_activations_pkey;
ALTER TABLE foldline_machine_activations ADD PRIMARY KEY (topic, partition, incarnation, fsm_type, from_offset);

ALTER TABLE foldline_dead_letters ADD COLUMN IF NOT EXISTS incarnation integer NOT NULL DEFAULT 0;
ALTER TABLE foldline_dead_letters
    DROP CONSTRAINT IF EXISTS foldline_dead_letters_topic_partition_record_offset_key,
    DROP CONSTRAINT IF EXISTS foldline_dead_letters_record_key;
ALTER TABLE foldline_dead_letters
    ADD CONSTRAINT foldline_dead_letters_record_key UNIQUE (topic, partition, record_offset, incarnation);
COMMENT ON COLUMN foldline_dead_letters.incarnation IS 'Which of the logs of this name it lay in: 0, unless an operator has accepted another in place of the first.';
CREATE INDEX IF NOT EXISTS idx_dead_letters_open ON foldline_dead_letters (recorded_at) WHERE status = 'open';

CREATE TABLE IF NOT EXISTS foldline_topics (
    topic      varchar(249) PRIMARY KEY,
    partitions integer      NOT NULL
);
COMMENT ON TABLE foldline_topics IS 'How many partitions each topic had when a worker looked last: those beyond are later ones.';

CREATE TABLE IF NOT EXISTS foldline_barriers (
    topic      varchar(249) NOT NULL,
    partition  integer      NOT NULL,
    older      integer      NOT NULL,
    end_offset bigint       NOT NULL,
    noted_at   timestamptz  NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, older)
);
COMMENT ON TABLE foldline_barriers IS
    'A partition that was added later begins once every older one has passed the end that it had then: keys have moved.';

CREATE TABLE IF NOT EXISTS foldline_acceptances (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       varchar(249) NOT NULL,
    partition   integer      NOT NULL,
    problem     text         NOT NULL,
    incarnation integer      NOT NULL,
    from_offset bigint       NOT NULL,
    to_offset   bigint       NOT NULL,
    why         text         NOT NULL CHECK (why <> ''),
    accepted_by text         NOT NULL,
    accepted_at timestamptz  NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE foldline_acceptances IS 'What operators have accepted about partitions that had stopped, and why: never changed.';
COMMENT ON COLUMN foldline_acceptances.from_offset IS 'Where the position stood.';
COMMENT ON COLUMN foldline_acceptances.to_offset IS 'Where it goes on, in the log of this incarnation.';

CREATE OR REPLACE FUNCTION foldline_accept_position(
    in_topic text, in_partition integer, seen_offset bigint, seen_reason text, going_on_at bigint, another_log boolean,
    new_topic_id text, new_partitions integer, compacted boolean, in_why text, in_who text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
$$
DECLARE
    held foldline_positions;
BEGIN
    UPDATE foldline_positions
       SET epoch               = epoch + 1,
           next_offset         = going_on_at,
           begun_at            = CASE WHEN another_log THEN going_on_at ELSE begun_at END,
           topic_id            = coalesce(new_topic_id, topic_id),
           incarnation         = incarnation + another_log::integer,
           leader_epoch        = CASE WHEN another_log THEN NULL ELSE leader_epoch END,
           leader_epoch_at     = CASE WHEN another_log THEN NULL ELSE leader_epoch_at END,
           stopped_reason      = NULL,
           tripped             = false,
           compaction_accepted = compaction_accepted OR compacted
     WHERE topic = in_topic AND partition = in_partition AND next_offset = seen_offset AND stopped_reason = seen_reason
    RETURNING * INTO held;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF another_log THEN  -- what was added to the former log later is no later one of this log
        DELETE FROM foldline_barriers WHERE topic = in_topic AND partition = in_partition;
        UPDATE foldline_topics SET partitions = new_partitions WHERE topic = in_topic;
    END IF;
    INSERT INTO foldline_acceptances (topic, partition, problem, incarnation, from_offset, to_offset, why, accepted_by)
    VALUES (in_topic, in_partition, seen_reason, held.incarnation, seen_offset, going_on_at, in_why,
            session_user || coalesce(' (' || in_who || ')', ''));
    RETURN held.epoch;
END
$$;
REVOKE ALL ON FUNCTION foldline_accept_position(
    text, integer, bigint, text, bigint, boolean, text, integer, boolean, text, text) FROM PUBLIC;
COMMENT ON FUNCTION foldline_accept_position(
    text, integer, bigint, text, bigint, boolean, text, integer, boolean, text, text) IS
    'An operator''s answer to a stopped partition: it goes on at that offset, and this is recorded. Fences its owner. NULL: it is not as it was seen.';
