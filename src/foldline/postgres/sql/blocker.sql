-- Who keeps a session of ours waiting for a lock: the session that has been at its transaction longest. `frozen`: it is
-- a worker's, and has been waiting for its client for two seconds.
SELECT activity.pid,
       activity.application_name,
       activity.usename,
       extract(epoch FROM clock_timestamp() - activity.xact_start)::double precision AS seconds,
       coalesce(starts_with(activity.application_name, 'foldline worker')
                AND activity.wait_event_type = 'Client'
                AND activity.state_change < clock_timestamp() - interval '2 seconds', false) AS frozen
  FROM pg_stat_activity AS activity
 WHERE activity.pid = ANY (pg_blocking_pids(%(pid)s))
 ORDER BY activity.xact_start
 LIMIT 1
