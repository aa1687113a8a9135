-- The schema of the by-hand loop: the two tables with the same indexes as foldline's (one of them is the unique
-- constraint itself), and the row trigger that writes the history.

CREATE TABLE fsm_state (
    id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    fsm_type             varchar(50)  NOT NULL,
    entity_id            varchar(255) NOT NULL,
    current_state        varchar(50)  NOT NULL,
    previous_state       varchar(50),
    transition_timestamp timestamptz  NOT NULL DEFAULT now(),
    metadata             jsonb,
    last_action          varchar(50),
    correlation_id       varchar(255),
    lease_id             varchar(255),
    lease_epoch          bigint,
    lease_expires_at     timestamptz,
    created_at           timestamptz  NOT NULL DEFAULT now(),
    updated_at           timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT idx_fsm_state_fsm_entity UNIQUE (fsm_type, entity_id)
);
CREATE INDEX idx_fsm_state_current_state ON fsm_state (current_state);
CREATE INDEX idx_fsm_state_type_state ON fsm_state (fsm_type, current_state);
CREATE INDEX idx_fsm_state_lease ON fsm_state (lease_id, lease_expires_at) WHERE lease_id IS NOT NULL;
CREATE INDEX idx_fsm_state_metadata ON fsm_state USING gin (metadata);

CREATE TABLE fsm_state_history (
    id              bigserial PRIMARY KEY,
    fsm_type        varchar(50)  NOT NULL,
    entity_id       varchar(255) NOT NULL,
    from_state      varchar(50),
    to_state        varchar(50)  NOT NULL,
    action          varchar(50)  NOT NULL,
    transitioned_at timestamptz  NOT NULL,
    duration_ms     double precision,
    correlation_id  varchar(255),
    metadata        jsonb,
    success         boolean      NOT NULL DEFAULT true,
    error_message   text
);
CREATE INDEX idx_fsm_history_entity ON fsm_state_history (fsm_type, entity_id, id);
CREATE INDEX idx_fsm_history_correlation ON fsm_state_history (correlation_id);
CREATE INDEX idx_fsm_history_transitioned_at ON fsm_state_history USING brin (transitioned_at);

CREATE FUNCTION record_fsm_state_history() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO fsm_state_history
          (fsm_type, entity_id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id, metadata)
    VALUES (NEW.fsm_type, NEW.entity_id, NEW.previous_state, NEW.current_state, NEW.last_action,
            NEW.transition_timestamp,
            CASE WHEN TG_OP = 'UPDATE'
                 THEN extract(epoch FROM NEW.transition_timestamp - OLD.transition_timestamp) * 1000 END,
            NEW.correlation_id, NEW.metadata);
    RETURN NULL;
END
$$;
CREATE TRIGGER trigger_record_fsm_history AFTER INSERT OR UPDATE OF current_state ON fsm_state
    FOR EACH ROW EXECUTE FUNCTION record_fsm_state_history();
