-- Who keeps a session of ours waiting for a lock: the session that has been at its transaction longest.
SELECT activity.pid,
       activity.application_name,
       activity.usename,
       extract(epoch FROM clock_timestamp() - activity.xact_start)::double precision AS seconds,
       false AS frozen
  FROM pg_stat_activity AS activity
 WHERE activity.pid = ANY (pg_blocking_pids(%(pid)s))
 ORDER BY activity.xact_start
 LIMIT 1
