-- Every row of fsm_state_history, in no order; and of the MANUAL ones that a clean-up removed what was kept of them.
SELECT fsm_type, entity_id, id, from_state, to_state, action, transitioned_at, duration_ms, correlation_id, metadata,
       success, error_message, event_id, reason, topic, partition, record_offset, definition_version, recorded_at,
       false AS cleaned
  FROM fsm_state_history
 UNION ALL
SELECT fsm_type, entity_id, id, from_state, to_state, 'MANUAL', transitioned_at, NULL, NULL, NULL,
       true, NULL, NULL, NULL, topic, partition, record_offset, NULL, recorded_at,
       true
  FROM foldline_cleaned_changes
