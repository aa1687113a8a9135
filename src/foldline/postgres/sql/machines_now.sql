-- Which machine version judges each partition now, per type; NULL where a machine was withdrawn.
SELECT DISTINCT ON (topic, partition, fsm_type) topic, partition, fsm_type, version
  FROM foldline_machine_activations JOIN foldline_positions USING (topic, partition, incarnation)
 ORDER BY topic, partition, fsm_type, from_offset DESC
