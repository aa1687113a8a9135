-- How many partitions the topic had when a worker looked last.
SELECT partitions FROM foldline_topics WHERE topic = %(topic)s
