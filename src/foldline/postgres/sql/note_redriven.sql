-- Dead letters whose records were published again. A worker may have answered one already: then it stays as answered.
UPDATE foldline_dead_letters
   SET status      = CASE WHEN status = 'open' THEN 'redriven' ELSE status END,
       redrives    = redrives + 1,
       redriven_at = clock_timestamp(),
       redriven_by = session_user || coalesce(' (' || %(who)s || ')', '')
 WHERE id = ANY (%(ids)s::bigint[])
