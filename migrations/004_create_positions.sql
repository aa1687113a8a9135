-- Where every partition of the log stands, who owns it, and which machine version judges from which offset on.

CREATE TABLE IF NOT EXISTS foldline_positions (
    topic          varchar(249) NOT NULL,
    partition      integer      NOT NULL,
    next_offset    bigint       NOT NULL,
    begun_at       bigint       NOT NULL,
    epoch          bigint       NOT NULL,
    topic_id       text,
    leader_epoch   integer,
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
    PRIMARY KEY (topic, partition),
    CHECK (begun_at >= 0 AND next_offset >= begun_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE foldline_positions IS 'One row a partition. The next offset moves in the same transaction as what it caused.';
COMMENT ON COLUMN foldline_positions.next_offset IS 'Every record before it has its verdict; this is the next one to judge.';
COMMENT ON COLUMN foldline_positions.begun_at IS 'Where the first claim began: the beginning of the log then.';
COMMENT ON COLUMN foldline_positions.epoch IS 'Raised by every claim: a worker that moves with an older one is fenced.';
COMMENT ON COLUMN foldline_positions.leader_epoch IS 'Kafka''s leader epoch of the last record before next_offset.';
COMMENT ON COLUMN foldline_positions.applied IS 'Records with this verdict since the position began; the four add up to all records.';
COMMENT ON COLUMN foldline_positions.moved_from IS 'Where it stood before it moved last.';
COMMENT ON COLUMN foldline_positions.moved_in IS 'The transaction of that move: its history is that of the records passed over.';
COMMENT ON COLUMN foldline_positions.stopped_reason IS 'Why the owner stopped this partition; NULL while it runs.';

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
    fsm_type     varchar(50)  NOT NULL,
    from_offset  bigint       NOT NULL,
    version      integer,
    activated_at timestamptz  NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, fsm_type, from_offset),
    FOREIGN KEY (fsm_type, version) REFERENCES foldline_machine_versions (fsm_type, version)
);
COMMENT ON TABLE foldline_machine_activations IS 'From which offset of a partition on which machine version judges.';
COMMENT ON COLUMN foldline_machine_activations.version IS 'NULL: from here on no machine of this type is loaded.';
