-- One dead letter, with the record as it came.
SELECT id, topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id,
       event_id, recorded_at, status, key, value, headers::text, record_timestamp_ms
  FROM foldline_dead_letters
 WHERE id = %(id)s
