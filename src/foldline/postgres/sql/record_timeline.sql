-- The timeline rows that one record has caused. Whoever knows its workflow names it; else the whole table is read.
SELECT id, kind, step, occurred_at, correlation_id, event_id, error_message, payload, topic, partition,
       record_offset, workflow_id
  FROM workflow_execution_history
 WHERE topic = %(topic)s AND partition = %(partition)s AND record_offset = %(offset)s
   AND (%(workflow_id)s::text IS NULL OR workflow_id = %(workflow_id)s)
 ORDER BY id
