-- Those of these partitions that are not, or no longer, noted as stopped.
SELECT held.topic, held.partition
  FROM foldline_positions AS held
  JOIN unnest(%(topics)s::text[], %(partitions)s::integer[]) AS asked (topic, partition) USING (topic, partition)
 WHERE held.stopped_reason IS NULL
