-- One timeline row per applied workflow event.
INSERT INTO workflow_execution_history
      (id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload, topic, partition,
       record_offset)
SELECT id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload::jsonb, %(topic)s,
       %(partition)s, record_offset
  FROM unnest(%(ids)b::bigint[], %(workflow_ids)b::text[], %(kinds)b::text[], %(steps)b::text[],
              %(occurred_ats)b::timestamptz[], %(correlation_ids)b::text[], %(event_ids)b::text[],
              %(error_messages)b::text[], %(payloads)b::text[], %(offsets)b::bigint[])
    AS applied (id, workflow_id, kind, step, occurred_at, correlation_id, event_id, error_message, payload,
                record_offset)
