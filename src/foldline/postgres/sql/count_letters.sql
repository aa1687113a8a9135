-- How many dead letters a selection has, and the latest of them: what comes later is not of it. NULL parameters do not
-- select.
SELECT count(*), coalesce(max(id), 0)
  FROM foldline_dead_letters
 WHERE status = ANY (%(statuses)s::text[])
   AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
   AND (%(entity_id)s::text IS NULL OR entity_id = %(entity_id)s OR workflow_id = %(entity_id)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
   AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
