-- Who holds the row of a partition's position: the session whose unfinished transaction was the last to change it.
-- `frozen`: it is a worker's, and has been waiting for its client for two seconds: no worker pauses there.
SELECT activity.pid,
       activity.application_name,
       activity.usename,
       extract(epoch FROM clock_timestamp() - activity.xact_start)::double precision AS seconds,
       coalesce(starts_with(activity.application_name, 'foldline worker')
                AND activity.wait_event_type = 'Client'
                AND activity.state_change < clock_timestamp() - interval '2 seconds', false) AS frozen
  FROM foldline_positions AS position
  JOIN pg_locks AS held
    ON held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
   AND held.transactionid = position.xmax
  JOIN pg_stat_activity AS activity ON activity.pid = held.pid
 WHERE position.topic = %(topic)s
   AND position.partition = %(partition)s
