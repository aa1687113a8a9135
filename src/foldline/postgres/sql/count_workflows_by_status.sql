-- How many workflows have which status.
SELECT status, count(*) FROM workflow_executions GROUP BY status ORDER BY status COLLATE "C"
