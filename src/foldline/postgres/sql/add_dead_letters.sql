-- Records that were not applied, as they came.
INSERT INTO foldline_dead_letters
      (topic, partition, incarnation, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id,
       correlation_id, event_id, key, value, headers, record_timestamp_ms, judged_as)
SELECT held.topic, held.partition, held.incarnation, record_offset, verdict, reason, detail, fsm_type, entity_id,
       workflow_id, correlation_id, event_id, key, value, headers::jsonb, record_timestamp_ms,
       judged_as
  FROM foldline_positions AS held,
       unnest(%(offsets)b::bigint[], %(verdicts)b::text[], %(reasons)b::text[], %(details)b::text[],
              %(fsm_types)b::text[], %(entity_ids)b::text[], %(workflow_ids)b::text[], %(correlation_ids)b::text[],
              %(event_ids)b::text[], %(keys)b::bytea[], %(values)b::bytea[], %(headers)b::text[],
              %(timestamps)b::bigint[], %(numbers)b::bigint[])
    AS letter (record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id, event_id,
               key, value, headers, record_timestamp_ms, judged_as)
 WHERE held.topic = %(topic)s AND held.partition = %(partition)s
