-- How many dead letters wait for somebody, by reason.
SELECT verdict, reason, count(*)
  FROM foldline_dead_letters
 WHERE status = 'open'
 GROUP BY verdict, reason
 ORDER BY verdict COLLATE "C", count(*) DESC, reason COLLATE "C"
