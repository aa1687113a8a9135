-- Running workflows without an event for so many hours, oldest first.
SELECT w.workflow_id, w.operation_type, w.entity_id, w.status, w.current_step, w.failed_step,
       jsonb_array_length(w.completed_steps), w.started_at, w.completed_at, w.duration_ms, w.last_event_at,
       w.retry_count, w.correlation_id, w.error_message
  FROM find_stuck_workflows(%(hours)s) WITH ORDINALITY AS stuck
  JOIN workflow_executions AS w USING (workflow_id)
 ORDER BY stuck.ordinality
 LIMIT %(limit)s
