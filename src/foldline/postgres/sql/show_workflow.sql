-- One workflow.
SELECT workflow_id, operation_type, entity_id, status, current_step, failed_step,
       jsonb_array_length(completed_steps), started_at, completed_at, duration_ms, last_event_at, retry_count,
       correlation_id, error_message
  FROM workflow_executions
 WHERE workflow_id = %(workflow_id)s
