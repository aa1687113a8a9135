-- The rows of history that one record has caused. Whoever knows its entity names it; else the whole table is read.
SELECT id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id, event_id, metadata,
       success, reason, error_message, topic, partition, record_offset, definition_version, fsm_type, entity_id
  FROM fsm_state_history
 WHERE topic = %(topic)s AND partition = %(partition)s AND record_offset = %(offset)s AND event_id IS NOT NULL
   AND (%(fsm_type)s::text IS NULL OR (fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s))
 ORDER BY id
