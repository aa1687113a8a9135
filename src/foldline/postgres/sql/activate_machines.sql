-- From this offset on these machine versions judge this partition.
INSERT INTO foldline_machine_activations (topic, partition, incarnation, fsm_type, from_offset, version)
SELECT held.topic, held.partition, held.incarnation, active.fsm_type, %(from_offset)s, active.version
  FROM foldline_positions AS held, unnest(%(fsm_types)b::text[], %(versions)b::integer[]) AS active (fsm_type, version)
 WHERE held.topic = %(topic)s AND held.partition = %(partition)s
