-- How many of these entities, judged but not moved, are still as the fold saw them. Locked, so that a change by hand
-- that has its number already is waited for.
SELECT count(*)
  FROM (SELECT
          FROM unnest(%(fsm_types)b::text[], %(entity_ids)b::text[], %(revisions)b::bigint[])
               AS seen (fsm_type, entity_id, revision)
          JOIN fsm_state AS held USING (fsm_type, entity_id)
         WHERE held.revision = seen.revision
         ORDER BY held.fsm_type COLLATE "C", held.entity_id COLLATE "C"
           FOR SHARE OF held) AS unchanged
