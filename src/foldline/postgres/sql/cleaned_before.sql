-- What lies before this time, by event time, may have been removed from this table; NULL if nothing ever was.
SELECT max(cut_off) FROM foldline_cleanups WHERE target = %(target)s AND removed > 0
