-- How many of these workflows have a row by now.
SELECT count(*) FROM workflow_executions WHERE workflow_id = ANY (%(workflow_ids)b::text[])
