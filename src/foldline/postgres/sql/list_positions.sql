-- Where every partition stands.
SELECT topic, partition, next_offset, begun_at, epoch, applied, duplicate, rejected, undecodable, group_id, owner,
       claimed_at, moved_at, stopped_reason, tripped, topic_id, leader_epoch, leader_epoch_at,
       incarnation, compaction_accepted
  FROM foldline_positions
 ORDER BY topic COLLATE "C", partition
