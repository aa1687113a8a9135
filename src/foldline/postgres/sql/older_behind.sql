-- The first older partition that has not passed the end that it had when this one was added.
SELECT barrier.older, barrier.end_offset, held.next_offset
  FROM foldline_barriers AS barrier
  LEFT JOIN foldline_positions AS held ON held.topic = barrier.topic AND held.partition = barrier.older
 WHERE barrier.topic = %(topic)s
   AND barrier.partition = %(partition)s
   AND coalesce(held.next_offset, 0) < barrier.end_offset
 ORDER BY barrier.older
 LIMIT 1
