-- Locks the rows of these workflows in key order, for a fold that has met changed rows once already.
SELECT count(*)
  FROM (SELECT
          FROM workflow_executions
         WHERE workflow_id = ANY (%(workflow_ids)b::text[])
         ORDER BY workflow_id COLLATE "C"
           FOR UPDATE) AS locked
