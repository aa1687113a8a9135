-- How many of these workflows have a row by now, or had one that a clean-up removed.
SELECT (SELECT count(*) FROM workflow_executions WHERE workflow_id = ANY (%(workflow_ids)b::text[]))
     + (SELECT count(*) FROM foldline_cleaned_workflows WHERE workflow_id = ANY (%(workflow_ids)b::text[]))
