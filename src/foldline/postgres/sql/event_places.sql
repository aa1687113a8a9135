-- The records that brought this transition event to a verdict, as far as it is kept.
SELECT topic, partition, record_offset
  FROM fsm_state_history
 WHERE fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s
   AND correlation_id = %(correlation_id)s AND event_id = %(event_id)s
 UNION
SELECT topic, partition, record_offset
  FROM foldline_dead_letters
 WHERE fsm_type = %(fsm_type)s AND entity_id = %(entity_id)s
   AND correlation_id = %(correlation_id)s AND event_id = %(event_id)s AND verdict = 'rejected'
 ORDER BY 1, 2, 3
