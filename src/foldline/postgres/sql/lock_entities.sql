-- Locks the rows of these entities in key order, for a fold that has met changed rows once already.
SELECT count(*)
  FROM (SELECT
          FROM fsm_state
         WHERE (fsm_type, entity_id) IN (SELECT * FROM unnest(%(fsm_types)b::text[], %(entity_ids)b::text[]))
         ORDER BY fsm_type COLLATE "C", entity_id COLLATE "C"
           FOR UPDATE) AS locked
