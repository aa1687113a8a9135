-- Brings back workflows that a clean-up had removed, as they were, so that the upsert finds them.
WITH kept AS (
    DELETE FROM foldline_cleaned_workflows WHERE workflow_id = ANY (%(workflow_ids)b::text[]) RETURNING *
)
INSERT INTO workflow_executions SELECT * FROM kept
