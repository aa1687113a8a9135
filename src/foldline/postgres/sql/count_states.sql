-- How many entities are in which state.
SELECT fsm_type, current_state, count(*)
  FROM fsm_state
 GROUP BY fsm_type, current_state
 ORDER BY fsm_type COLLATE "C", count(*) DESC, current_state COLLATE "C"
