-- Moves every entity of the stage to where its last hop left it: one upsert each, in key order. An entity whose row is
-- not the one that the fold started from is left alone; then the history trigger finds a row too few and refuses.
-- That trigger writes the history: every hop of the stage, failed attempts and rejections too.
INSERT INTO fsm_state AS held
      (fsm_type, entity_id, current_state, previous_state, transition_timestamp, metadata, revision, previous_revision,
       retry_count, kept_lease_id, kept_lease_epoch, topic, partition, record_offset)
SELECT fsm_type, entity_id, to_state, from_state, transitioned_at, metadata, id, previous_revision,
       retry_count, kept_lease_id, kept_lease_epoch, %(topic)s, %(partition)s, record_offset
  FROM pg_temp.fsm_stage
 WHERE last
 ORDER BY fsm_type COLLATE "C", entity_id COLLATE "C"
ON CONFLICT (fsm_type, entity_id) DO UPDATE
   SET current_state        = excluded.current_state,
       previous_state       = excluded.previous_state,
       transition_timestamp = excluded.transition_timestamp,
       metadata             = excluded.metadata,
       updated_at           = clock_timestamp(),
       revision             = excluded.revision,
       previous_revision    = excluded.previous_revision,
       retry_count          = excluded.retry_count,
       kept_lease_id        = excluded.kept_lease_id,
       kept_lease_epoch     = excluded.kept_lease_epoch,
       topic                = excluded.topic,
       partition            = excluded.partition,
       record_offset        = excluded.record_offset
 WHERE held.revision = excluded.previous_revision
