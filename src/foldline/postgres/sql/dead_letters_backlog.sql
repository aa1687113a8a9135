-- How many dead letters are open, by verdict and reason, and for how many seconds the oldest of each has been.
SELECT verdict, reason, count(*), greatest(0, EXTRACT(epoch FROM now() - min(recorded_at)))::double precision
  FROM foldline_dead_letters
 WHERE status = 'open'
 GROUP BY verdict, reason
 ORDER BY verdict COLLATE "C", count(*) DESC, reason COLLATE "C"
