-- Every row of every workflow's timeline, in no order.
SELECT workflow_id, id, kind, step, occurred_at, correlation_id, event_id, error_message, payload, topic, partition,
       record_offset
  FROM workflow_execution_history
