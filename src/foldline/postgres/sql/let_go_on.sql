-- Those of these stopped partitions that an operator has answered, which raises the epoch they were stopped under.
SELECT held.topic, held.partition
  FROM foldline_positions AS held
  JOIN unnest(%(topics)s::text[], %(partitions)s::integer[], %(epochs)s::bigint[]) AS asked (topic, partition, epoch)
       USING (topic, partition)
 WHERE held.stopped_reason IS NULL AND held.epoch > asked.epoch
