-- The dead letters of one offset: one for each log of that name that had a record there.
SELECT id, topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id,
       event_id, recorded_at, status, incarnation
  FROM foldline_dead_letters
 WHERE topic = %(topic)s AND partition = %(partition)s AND record_offset = %(offset)s
 ORDER BY incarnation
