-- How many of these entities have a row by now.
SELECT count(*)
  FROM unnest(%(fsm_types)b::text[], %(entity_ids)b::text[]) AS absent (fsm_type, entity_id)
  JOIN fsm_state USING (fsm_type, entity_id)
