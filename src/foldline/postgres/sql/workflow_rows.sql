-- Every workflow, those too that a clean-up removed, in no order.
SELECT workflow_id, false AS cleaned, operation_type, entity_id, status, current_step, completed_steps, started_at,
       completed_at, duration_ms, correlation_id, input_payload, output_results, error_message, retry_count,
       failed_step, metadata, last_event_at, revision, previous_revision, kept_lease_id, kept_lease_epoch, topic,
       partition, record_offset
  FROM workflow_executions
UNION ALL
SELECT workflow_id, true, operation_type, entity_id, status, current_step, completed_steps, started_at, completed_at,
       duration_ms, correlation_id, input_payload, output_results, error_message, retry_count, failed_step, metadata,
       last_event_at, revision, previous_revision, kept_lease_id, kept_lease_epoch, topic, partition, record_offset
  FROM foldline_cleaned_workflows
