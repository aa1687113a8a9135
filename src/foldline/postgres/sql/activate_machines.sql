-- From this offset on these machine versions judge this partition.
INSERT INTO foldline_machine_activations (topic, partition, fsm_type, from_offset, version)
SELECT %(topic)s, %(partition)s, fsm_type, %(from_offset)s, version
  FROM unnest(%(fsm_types)b::text[], %(versions)b::integer[]) AS active (fsm_type, version)
