-- The fence and the position in one compare-and-set: moves it only if this epoch still owns the partition and nobody
-- has moved it since. Zero rows: nothing of this transaction may be committed.
UPDATE foldline_positions
   SET next_offset  = %(next_offset)s,
       applied      = applied + %(applied)s,
       duplicate    = duplicate + %(duplicate)s,
       rejected     = rejected + %(rejected)s,
       undecodable  = undecodable + %(undecodable)s,
       leader_epoch = CASE WHEN %(read_to)s::bigint IS NULL THEN leader_epoch ELSE %(leader_epoch)s::integer END,
       leader_epoch_at = coalesce(%(read_to)s::bigint, leader_epoch_at),
       moved_at     = clock_timestamp()
 WHERE topic = %(topic)s
   AND partition = %(partition)s
   AND epoch = %(epoch)s
   AND next_offset = %(start)s
