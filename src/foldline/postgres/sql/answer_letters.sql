-- What became of redriven letters: of those that wait for an answer and hold the very value that was published again.
UPDATE foldline_dead_letters AS letter
   SET status               = answer.status,
       answered_topic       = held.topic,
       answered_partition   = held.partition,
       answered_incarnation = held.incarnation,
       answered_offset      = answer.answered_offset,
       answered_at          = clock_timestamp()
  FROM foldline_positions AS held,
       unnest(%(topics)b::text[], %(partitions)b::integer[], %(incarnations)b::integer[], %(offsets)b::bigint[],
              %(values)b::bytea[], %(statuses)b::text[], %(answered_offsets)b::bigint[])
    AS answer (topic, partition, incarnation, record_offset, value, status, answered_offset)
 WHERE held.topic = %(topic)s AND held.partition = %(partition)s
   AND letter.topic = answer.topic AND letter.partition = answer.partition
   AND letter.incarnation = answer.incarnation AND letter.record_offset = answer.record_offset
   AND letter.value IS NOT DISTINCT FROM answer.value
   AND letter.status IN ('open', 'redriven')
