-- Dead letters with their records, in the order of the log: those of these numbers that still have such a status.
SELECT id, topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id,
       event_id, recorded_at, status, incarnation, key, value, headers::text, record_timestamp_ms, redrives, redriven_at,
       redriven_by, answered_topic, answered_partition, answered_incarnation, answered_offset, answered_at, closed_at,
       closed_by, why
  FROM foldline_dead_letters
 WHERE id = ANY (%(ids)s::bigint[]) AND status = ANY (%(statuses)s::text[])
 ORDER BY topic, partition, incarnation, record_offset
