-- Waits for an insert by hand of any of these workflows, and makes a later one wait: a row that is absent has no lock.
SELECT pg_advisory_xact_lock(hashtextextended(workflow_id, 1))
  FROM (SELECT * FROM unnest(%(workflow_ids)b::text[]) AS absent (workflow_id)
         ORDER BY workflow_id COLLATE "C") AS ordered
