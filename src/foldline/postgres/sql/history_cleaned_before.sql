-- Rows of history from before this time, by event time, may have been removed; NULL if none ever were.
SELECT max(cut_off) FROM foldline_cleanups WHERE target = 'fsm_state_history' AND removed > 0
