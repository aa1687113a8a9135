-- Which machine version judges a partition now, per type; NULL where a machine was withdrawn.
SELECT DISTINCT ON (fsm_type) fsm_type, version
  FROM foldline_machine_activations
 WHERE topic = %(topic)s AND partition = %(partition)s
 ORDER BY fsm_type, incarnation DESC, from_offset DESC
