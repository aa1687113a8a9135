-- Everything that happened to one entity, in the log's order.
SELECT id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id, event_id, metadata,
       success, reason, error_message, topic, partition, record_offset, definition_version
  FROM fsm_state_history
 WHERE fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s
 ORDER BY id
