-- Every record that was not applied, as it came, with the reason.

CREATE TABLE IF NOT EXISTS foldline_dead_letters (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic               varchar(249) NOT NULL,
    partition           integer      NOT NULL,
    record_offset       bigint       NOT NULL,
    verdict             varchar(20)  NOT NULL CHECK (verdict IN ('rejected', 'undecodable')),
    reason              varchar(50)  NOT NULL,
    detail              text         NOT NULL,
    fsm_type            varchar(50),
    entity_id           varchar(255),
    workflow_id         varchar(255),
    correlation_id      varchar(255),
    event_id            varchar(255),
    key                 bytea,
    value               bytea,
    headers             jsonb,
    record_timestamp_ms bigint,
    recorded_at         timestamptz  NOT NULL DEFAULT clock_timestamp(),
    status              varchar(20)  NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'redriven', 'applied', 'rejected_again', 'dropped')),
    UNIQUE (topic, partition, record_offset)
);
COMMENT ON TABLE foldline_dead_letters IS 'Records that were rejected or could not be decoded: key, value, headers, timestamp and position as they came.';
COMMENT ON COLUMN foldline_dead_letters.headers IS 'List of [name, value in base64 or null], in order; NULL if there were none.';
COMMENT ON COLUMN foldline_dead_letters.status IS 'What became of it: open until somebody redrives or drops it.';
CREATE INDEX IF NOT EXISTS idx_dead_letters_reason ON foldline_dead_letters (reason, id);
CREATE INDEX IF NOT EXISTS idx_dead_letters_entity ON foldline_dead_letters (fsm_type, entity_id) WHERE entity_id IS NOT NULL;
