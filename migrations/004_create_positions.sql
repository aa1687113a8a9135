-- Where every partition of the log stands, who owns it, which machine version judges from which offset on, and what an
-- operator has accepted about a log that is not what it was.

CREATE TABLE IF NOT EXISTS foldline_positions (
    topic          varchar(249) NOT NULL,
    partition      integer      NOT NULL,
    next_offset    bigint       NOT NULL,
    begun_at       bigint       NOT NULL,
    epoch          bigint       NOT NULL,
    topic_id       text,
    incarnation    integer      NOT NULL DEFAULT 0,
    leader_epoch   integer,
    leader_epoch_at bigint,
    applied        bigint       NOT NULL DEFAULT 0,
    duplicate      bigint       NOT NULL DEFAULT 0,
    rejected       bigint       NOT NULL DEFAULT 0,
    undecodable    bigint       NOT NULL DEFAULT 0,
    group_id       text         NOT NULL,
    owner          text         NOT NULL,
    claimed_at     timestamptz  NOT NULL DEFAULT clock_timestamp(),
    moved_at       timestamptz,
    moved_from     bigint,
    moved_in       xid8,
    stopped_reason text,
    tripped        boolean      NOT NULL DEFAULT false,
    compaction_accepted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (topic, partition),
    CHECK (begun_at >= 0 AND next_offset >= begun_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE foldline_positions IS 'One row a partition. The next offset moves in the same transaction as what it caused.';
COMMENT ON COLUMN foldline_positions.next_offset IS 'Every record before it has its verdict; this is the next one to judge.';
COMMENT ON COLUMN foldline_positions.begun_at IS 'Where the first claim began: the beginning of the log then.';
COMMENT ON COLUMN foldline_positions.epoch IS 'Raised by every claim: a worker that moves with an older one is fenced.';
COMMENT ON COLUMN foldline_positions.topic_id IS 'The id that Kafka gave the topic: another one is another log under the same name.';
COMMENT ON COLUMN foldline_positions.incarnation IS 'How often an operator has accepted another log in place of this one: its offsets are used again.';
COMMENT ON COLUMN foldline_positions.leader_epoch IS 'Kafka''s leader epoch of the last record before next_offset.';
COMMENT ON COLUMN foldline_positions.leader_epoch_at IS 'The offset after that record: less than next_offset where control records follow it.';
COMMENT ON COLUMN foldline_positions.applied IS 'Records with this verdict since the position began; the four add up to all records.';
COMMENT ON COLUMN foldline_positions.moved_from IS 'Where it stood before it moved last.';
COMMENT ON COLUMN foldline_positions.moved_in IS 'The transaction of that move: its history is that of the records passed over.';
COMMENT ON COLUMN foldline_positions.stopped_reason IS 'Why the owner stopped this partition; NULL while it runs.';
COMMENT ON COLUMN foldline_positions.tripped IS 'Stopped by the breaker: no claim clears that, an operator does.';
COMMENT ON COLUMN foldline_positions.compaction_accepted IS 'An operator has accepted that the topic is compacted.';

CREATE OR REPLACE FUNCTION foldline_mark_move() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS
$$
BEGIN
    IF NEW.next_offset < OLD.next_offset
       AND NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'a position does not go back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.moved_from := OLD.next_offset;
    NEW.moved_in := pg_current_xact_id();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION foldline_mark_move() IS
    'Notes from where a position moves, and in which transaction. Only the owner may move one back.';

CREATE OR REPLACE TRIGGER trigger_mark_move BEFORE UPDATE OF next_offset ON foldline_positions
    FOR EACH ROW EXECUTE FUNCTION foldline_mark_move();

CREATE TABLE IF NOT EXISTS foldline_machine_versions (
    fsm_type    varchar(50) NOT NULL,
    version     integer     NOT NULL,
    digest      text        NOT NULL,
    definition  jsonb       NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (fsm_type, version)
);
COMMENT ON TABLE foldline_machine_versions IS 'Every machine version that ever judged, whole: a replay judges with it again.';

CREATE TABLE IF NOT EXISTS foldline_machine_activations (
    topic        varchar(249) NOT NULL,
    partition    integer      NOT NULL,
    incarnation  integer      NOT NULL DEFAULT 0,
    fsm_type     varchar(50)  NOT NULL,
    from_offset  bigint       NOT NULL,
    version      integer,
    activated_at timestamptz  NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, incarnation, fsm_type, from_offset),
    FOREIGN KEY (fsm_type, version) REFERENCES foldline_machine_versions (fsm_type, version)
);
COMMENT ON TABLE foldline_machine_activations IS 'From which offset of a partition on which machine version judges.';
COMMENT ON COLUMN foldline_machine_activations.version IS 'NULL: from here on no machine of this type is loaded.';

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
