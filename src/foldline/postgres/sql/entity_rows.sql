-- Every row of fsm_state, in no order.
SELECT fsm_type, entity_id, current_state, previous_state, transition_timestamp, metadata, revision, previous_revision,
       retry_count, kept_lease_id, kept_lease_epoch, topic, partition, record_offset
  FROM fsm_state
