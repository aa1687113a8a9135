-- Up to which event time the clean-ups of each table have removed something.
SELECT target, max(cut_off) FROM foldline_cleanups WHERE removed > 0 GROUP BY target
