-- Every row of fsm_state_history, in no order; of the MANUAL ones that a clean-up removed what was kept of them; and what
-- was set by hand without a change of state, as if it were such a one.
SELECT history.fsm_type, history.entity_id, id, history.from_state, history.to_state, action, transitioned_at, duration_ms,
       correlation_id, metadata, success, error_message, event_id, reason, history.topic, history.partition,
       history.record_offset, definition_version, recorded_at, retry_count, false AS cleaned
  FROM fsm_state_history AS history LEFT JOIN foldline_set_by_hand USING (id)
 UNION ALL
SELECT gone.fsm_type, gone.entity_id, id, gone.from_state, gone.to_state, 'MANUAL', transitioned_at, NULL, NULL, NULL,
       true, NULL, NULL, NULL, gone.topic, gone.partition, gone.record_offset, NULL, recorded_at, retry_count, true
  FROM foldline_cleaned_changes AS gone LEFT JOIN foldline_set_by_hand USING (id)
 UNION ALL
SELECT fsm_type, entity_id, id, from_state, to_state, 'MANUAL', transition_timestamp, NULL, NULL, NULL,
       true, NULL, NULL, NULL, topic, partition, record_offset, NULL, NULL, retry_count, true
  FROM foldline_set_by_hand
 WHERE from_state = to_state
