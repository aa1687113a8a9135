-- Waits for an insert by hand of any of these workflows, and makes a later one wait: a row that is absent has no lock.
SELECT pg_advisory_xact_lock(70094213, slot)
  FROM (SELECT DISTINCT hashtext(workflow_id) & 255 AS slot
          FROM unnest(%(workflow_ids)b::text[]) AS absent (workflow_id)
         ORDER BY slot) AS ordered
