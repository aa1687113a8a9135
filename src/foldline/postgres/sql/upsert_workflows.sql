-- Moves every workflow of the batch to where its last event left it, in key order; one whose row is not the one that
-- the fold started from, or is gone, is left alone, and counts as a row too few.
WITH found AS MATERIALIZED (
    SELECT workflow_id, revision
      FROM workflow_executions
     WHERE workflow_id = ANY (%(workflow_ids)b::text[])
     ORDER BY workflow_id COLLATE "C"
       FOR UPDATE
)
INSERT INTO workflow_executions AS held
      (workflow_id, operation_type, entity_id, status, current_step, completed_steps, started_at, completed_at,
       duration_ms, correlation_id, input_payload, output_results, error_message, retry_count, failed_step, metadata,
       last_event_at, revision, previous_revision, kept_lease_id, kept_lease_epoch, topic, partition, record_offset)
SELECT workflow_id, operation_type, entity_id, status, current_step, completed_steps::jsonb, started_at, completed_at,
       duration_ms, correlation_id, input_payload::jsonb, output_results::jsonb, error_message, retry_count,
       failed_step, metadata::jsonb, last_event_at, revision, previous_revision, kept_lease_id, kept_lease_epoch,
       %(topic)s, %(partition)s, record_offset
  FROM unnest(%(workflow_ids)b::text[], %(operation_types)b::text[], %(entity_ids)b::text[], %(statuses)b::text[],
              %(current_steps)b::text[], %(completed_steps)b::text[], %(started_ats)b::timestamptz[],
              %(completed_ats)b::timestamptz[], %(durations_ms)b::float8[], %(correlation_ids)b::text[],
              %(input_payloads)b::text[], %(output_results)b::text[], %(error_messages)b::text[],
              %(retry_counts)b::integer[], %(failed_steps)b::text[], %(metadata)b::text[],
              %(last_event_ats)b::timestamptz[], %(revisions)b::bigint[], %(previous_revisions)b::bigint[],
              %(kept_lease_ids)b::text[], %(kept_lease_epochs)b::bigint[], %(offsets)b::bigint[])
    AS folded (workflow_id, operation_type, entity_id, status, current_step, completed_steps, started_at, completed_at,
               duration_ms, correlation_id, input_payload, output_results, error_message, retry_count, failed_step,
               metadata, last_event_at, revision, previous_revision, kept_lease_id, kept_lease_epoch, record_offset)
 WHERE CASE WHEN previous_revision IS NULL
            THEN NOT EXISTS (SELECT FROM foldline_cleaned_workflows AS cleaned
                              WHERE cleaned.workflow_id = folded.workflow_id)
            ELSE (workflow_id, previous_revision) IN (SELECT found.workflow_id, found.revision FROM found)
       END
 ORDER BY workflow_id COLLATE "C"
ON CONFLICT (workflow_id) DO UPDATE
   SET status            = excluded.status,
       current_step      = excluded.current_step,
       completed_steps   = excluded.completed_steps,
       completed_at      = excluded.completed_at,
       duration_ms       = excluded.duration_ms,
       output_results    = excluded.output_results,
       error_message     = excluded.error_message,
       retry_count       = excluded.retry_count,
       failed_step       = excluded.failed_step,
       metadata          = excluded.metadata,
       last_event_at     = excluded.last_event_at,
       updated_at        = clock_timestamp(),
       revision          = excluded.revision,
       previous_revision = excluded.previous_revision,
       kept_lease_id     = excluded.kept_lease_id,
       kept_lease_epoch  = excluded.kept_lease_epoch,
       topic             = excluded.topic,
       partition         = excluded.partition,
       record_offset     = excluded.record_offset
 WHERE held.revision = excluded.previous_revision
