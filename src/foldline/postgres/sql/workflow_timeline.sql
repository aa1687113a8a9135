-- Every applied event of one workflow, in the log's order.
SELECT id, kind, step, occurred_at, correlation_id, event_id, error_message, payload, topic, partition,
       record_offset
  FROM workflow_execution_history
 WHERE workflow_id = %(workflow_id)s
 ORDER BY id
