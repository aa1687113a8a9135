-- What later events of these workflows are judged by: the row, else what a clean-up kept of it. The input payload,
-- which only STARTED writes, is left out.
SELECT wanted.workflow_id, held.*
  FROM unnest(%(workflow_ids)b::text[]) AS wanted (workflow_id)
 CROSS JOIN LATERAL (
       SELECT operation_type, entity_id, status, started_at, correlation_id, revision,
              current_step, completed_steps::text, failed_step, completed_at, duration_ms, output_results::text,
              error_message, retry_count, metadata::text, last_event_at, kept_lease_id, kept_lease_epoch, topic,
              partition, false AS cleaned
         FROM workflow_executions
        WHERE workflow_executions.workflow_id = wanted.workflow_id
        UNION ALL
       SELECT operation_type, entity_id, status, started_at, correlation_id, revision,
              current_step, completed_steps::text, failed_step, completed_at, duration_ms, output_results::text,
              error_message, retry_count, metadata::text, last_event_at, kept_lease_id, kept_lease_epoch, topic,
              partition, true
         FROM foldline_cleaned_workflows
        WHERE foldline_cleaned_workflows.workflow_id = wanted.workflow_id
        LIMIT 1) AS held
