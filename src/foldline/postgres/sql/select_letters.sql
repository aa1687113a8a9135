-- The numbers of a selection of dead letters in the order of the log, and how long each one's record is. NULL parameters
-- do not select.
SELECT id, coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)
  FROM foldline_dead_letters
 WHERE status = ANY (%(statuses)s::text[])
   AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
   AND (%(entity_id)s::text IS NULL OR entity_id = %(entity_id)s OR workflow_id = %(entity_id)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
   AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
 ORDER BY topic, partition, incarnation, record_offset
