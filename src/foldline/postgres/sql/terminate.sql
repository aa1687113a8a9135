-- Ends a session, if it is still in the transaction that it was seen in: its pid may be another's by now.
SELECT coalesce(bool_or(pg_terminate_backend(pid)), false)
  FROM pg_stat_activity
 WHERE pid = %(pid)s
   AND xact_start < clock_timestamp() - interval '2 seconds'
   AND wait_event_type = 'Client'
