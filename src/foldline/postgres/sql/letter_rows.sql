-- Every dead letter with its record, in the order of the log.
SELECT topic, partition, incarnation, record_offset, id, verdict, reason, detail, fsm_type, entity_id, workflow_id,
       correlation_id, event_id, status, record_timestamp_ms, encode(key, 'hex') AS key, encode(value, 'hex') AS value,
       headers, judged_as
  FROM foldline_dead_letters
 ORDER BY topic COLLATE "C", partition, incarnation, record_offset
