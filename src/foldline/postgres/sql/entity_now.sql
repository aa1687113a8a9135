-- The state that one entity is in, and since when.
SELECT current_state, transition_timestamp
  FROM fsm_state
 WHERE fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s
