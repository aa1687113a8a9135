-- Every row of fsm_state_history, in no order.
SELECT fsm_type, entity_id, id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id, metadata,
       success, error_message, event_id, reason, topic, partition, record_offset, definition_version, recorded_at,
       false AS cleaned
  FROM fsm_state_history
