-- Which older partitions each partition that was added later has to wait for.
SELECT topic, partition, older FROM foldline_barriers
