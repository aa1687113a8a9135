-- Takes a partition over in one statement: it queues behind the row lock of the previous owner's transaction, and so
-- returns the position that this owner just committed. Reading first and raising the epoch after would not.
INSERT INTO foldline_positions AS held (topic, partition, next_offset, begun_at, epoch, topic_id, group_id, owner)
VALUES (%(topic)s, %(partition)s, %(low)s, %(low)s, 1, %(topic_id)s, %(group_id)s, %(owner)s)
ON CONFLICT (topic, partition) DO UPDATE
   SET epoch          = held.epoch + 1,
       topic_id       = coalesce(held.topic_id, excluded.topic_id),
       group_id       = excluded.group_id,
       owner          = excluded.owner,
       claimed_at     = clock_timestamp(),
       stopped_reason = CASE WHEN held.tripped AND %(breaker)s THEN held.stopped_reason END,
       tripped        = held.tripped AND %(breaker)s
RETURNING epoch, next_offset, topic_id, leader_epoch, leader_epoch_at, compaction_accepted,
          CASE WHEN tripped THEN stopped_reason END
