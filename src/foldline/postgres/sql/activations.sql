-- From which offset of which partition on which version of every machine judges.
SELECT topic, partition, incarnation, fsm_type, from_offset, version
  FROM foldline_machine_activations
 ORDER BY topic COLLATE "C", partition, incarnation, fsm_type COLLATE "C", from_offset
