-- Who holds an advisory lock of this database that fits into 32 bits.
SELECT activity.pid,
       activity.application_name,
       activity.usename,
       extract(epoch FROM clock_timestamp() - activity.xact_start)::double precision AS seconds,
       false AS frozen
  FROM pg_locks AS held
  JOIN pg_stat_activity AS activity ON activity.pid = held.pid
 WHERE held.locktype = 'advisory'
   AND held.granted
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND held.classid = 0
   AND held.objid = %(key)s
 LIMIT 1
