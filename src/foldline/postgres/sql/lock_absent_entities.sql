-- Waits for an insert by hand of any of these entities, and makes a later one wait: a row that is absent has no lock.
SELECT pg_advisory_xact_lock(70094212, slot)
  FROM (SELECT DISTINCT hashtext(fsm_type || chr(1) || entity_id) & 255 AS slot
          FROM unnest(%(fsm_types)b::text[], %(entity_ids)b::text[]) AS absent (fsm_type, entity_id)
         ORDER BY slot) AS ordered
