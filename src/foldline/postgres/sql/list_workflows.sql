-- Workflows, the one whose last event is oldest first; NULL parameters do not select.
SELECT workflow_id, operation_type, entity_id, status, current_step, failed_step,
       jsonb_array_length(completed_steps), started_at, completed_at, duration_ms, last_event_at, retry_count,
       correlation_id, error_message
  FROM workflow_executions
 WHERE (%(status)s::text IS NULL OR status = %(status)s)
 ORDER BY coalesce(last_event_at, updated_at), workflow_id COLLATE "C"
 LIMIT %(limit)s
