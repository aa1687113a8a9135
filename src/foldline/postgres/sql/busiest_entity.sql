-- The entity with the longest history; of several the one that comes first by name.
SELECT fsm_type, entity_id
  FROM fsm_state_history
 GROUP BY fsm_type, entity_id
 ORDER BY count(*) DESC, fsm_type COLLATE "C", entity_id COLLATE "C"
 LIMIT 1
