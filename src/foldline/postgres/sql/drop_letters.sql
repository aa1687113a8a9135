-- Close some of the dead letters of a selection, at most a page of them, with who did and why. NULL parameters do not
-- select.
UPDATE foldline_dead_letters
   SET status    = 'dropped',
       closed_at = clock_timestamp(),
       closed_by = session_user || coalesce(' (' || %(who)s || ')', ''),
       why       = %(why)s
 WHERE id IN (SELECT id
                FROM foldline_dead_letters
               WHERE id <= %(latest)s
                 AND status = ANY (%(statuses)s::text[])
                 AND (%(ids)s::bigint[] IS NULL OR id = ANY (%(ids)s))
                 AND (%(entity_id)s::text IS NULL OR entity_id = %(entity_id)s OR workflow_id = %(entity_id)s)
                 AND (%(reason)s::text IS NULL OR reason = %(reason)s)
                 AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s)
               ORDER BY id
               LIMIT %(page)s
                 FOR UPDATE)
RETURNING id
