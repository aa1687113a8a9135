-- Where a partition stands and who owns it.
SELECT next_offset, epoch, group_id, owner
  FROM foldline_positions
 WHERE topic = %(topic)s AND partition = %(partition)s
