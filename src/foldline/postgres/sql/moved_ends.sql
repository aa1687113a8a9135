-- Where partitions went on that had stopped, in the order in which it was accepted.
SELECT topic, partition, incarnation, from_offset, to_offset FROM foldline_acceptances ORDER BY id
