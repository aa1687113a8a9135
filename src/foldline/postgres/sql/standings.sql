-- Where every partition stands, and how its records ended.
SELECT topic, partition, incarnation, topic_id, begun_at, next_offset, applied, duplicate, rejected, undecodable,
       compaction_accepted
  FROM foldline_positions
 ORDER BY topic COLLATE "C", partition
