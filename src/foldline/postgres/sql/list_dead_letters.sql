-- Dead letters, latest first; NULL parameters do not select.
SELECT id, topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id,
       event_id, recorded_at, status
  FROM foldline_dead_letters
 WHERE (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
   AND (%(entity_id)s::text IS NULL OR entity_id = %(entity_id)s OR workflow_id = %(entity_id)s)
 ORDER BY id DESC
 LIMIT %(limit)s
