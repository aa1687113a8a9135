-- The next dead letters of a selection with their records, in the order of the log: at most a page of them, and of those
-- no more than begin within so many bytes. NULL parameters do not select.
SELECT id, topic, partition, record_offset, verdict, reason, detail, fsm_type, entity_id, workflow_id, correlation_id,
       event_id, recorded_at, status, incarnation, key, value, headers::text, record_timestamp_ms, redrives, redriven_at,
       redriven_by, answered_topic, answered_partition, answered_incarnation, answered_offset, answered_at, closed_at,
       closed_by, why
  FROM (SELECT *,
               sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0))
                   OVER (ORDER BY topic, partition, incarnation, record_offset
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS octets_before
          FROM (SELECT *
                  FROM foldline_dead_letters
                 WHERE id <= %(latest)s
                   AND status = ANY (%(statuses)s::text[])
                   AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
                   AND (%(entity_id)s::text IS NULL OR entity_id = %(entity_id)s OR workflow_id = %(entity_id)s)
                   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
                   AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
                   AND (topic, partition, incarnation, record_offset)
                     > (%(topic)s, %(partition)s, %(incarnation)s, %(record_offset)s)
                 ORDER BY topic, partition, incarnation, record_offset
                 LIMIT %(page)s) AS page) AS letter
 WHERE octets_before IS NULL OR octets_before < %(octets)s
 ORDER BY topic, partition, incarnation, record_offset
