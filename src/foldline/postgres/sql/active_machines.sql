-- Which machine version judges a partition now, per type; NULL where a machine was withdrawn. In a log that took the
-- place of another none does before its first batch: whoever replays it has to find there what judged it.
SELECT DISTINCT ON (fsm_type) fsm_type, version
  FROM foldline_machine_activations JOIN foldline_positions USING (topic, partition, incarnation)
 WHERE topic = %(topic)s AND partition = %(partition)s
 ORDER BY fsm_type, from_offset DESC
