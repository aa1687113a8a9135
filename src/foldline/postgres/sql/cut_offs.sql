-- Up to which event time the clean-ups of each table have removed.
SELECT target, max(cut_off) FROM foldline_cleanups GROUP BY target
