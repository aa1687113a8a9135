-- Notes that a topic has more partitions than before, and for each new one where every older one ends now. The lock on
-- the topic's row lets one worker do so: whoever comes second finds it done.
WITH grown AS (
    UPDATE foldline_topics AS known
       SET partitions = %(partitions)s
      FROM (SELECT partitions FROM foldline_topics WHERE topic = %(topic)s FOR UPDATE) AS before
     WHERE known.topic = %(topic)s AND known.partitions < %(partitions)s
    RETURNING before.partitions AS before)
INSERT INTO foldline_barriers (topic, partition, older, end_offset)
SELECT %(topic)s, added, older.partition, older.end_offset
  FROM grown,
       generate_series(grown.before, %(partitions)s - 1) AS added,
       unnest(%(olders)s::integer[], %(ends)s::bigint[]) AS older (partition, end_offset)
 WHERE older.partition < grown.before
ON CONFLICT DO NOTHING
