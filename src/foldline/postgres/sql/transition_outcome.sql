-- What became of the transition event that lies there, and where its partition stands. No row: nobody ever claimed it.
SELECT held.next_offset, held.stopped_reason, entry.success, entry.from_state, entry.to_state, letter.reason,
       letter.detail
  FROM foldline_positions AS held
  LEFT JOIN fsm_state_history AS entry
    ON entry.fsm_type = %(fsm_type)s AND entry.entity_id = %(entity_id)s AND entry.event_id = %(event_id)s
  LEFT JOIN foldline_dead_letters AS letter
    ON letter.topic = held.topic AND letter.partition = held.partition AND letter.incarnation = held.incarnation
       AND letter.record_offset = %(record_offset)s
 WHERE held.topic = %(topic)s AND held.partition = %(partition)s
