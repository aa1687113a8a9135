-- What later events of these entities are judged by. The lateral LIMIT makes it one index probe per entity, always.
SELECT wanted.fsm_type, wanted.entity_id, held.*
  FROM unnest(%(fsm_types)b::text[], %(entity_ids)b::text[]) AS wanted (fsm_type, entity_id)
 CROSS JOIN LATERAL (
       SELECT current_state, transition_timestamp, revision, retry_count, kept_lease_id, kept_lease_epoch,
              topic, partition
         FROM fsm_state
        WHERE fsm_state.fsm_type = wanted.fsm_type AND fsm_state.entity_id = wanted.entity_id
        LIMIT 1) AS held
