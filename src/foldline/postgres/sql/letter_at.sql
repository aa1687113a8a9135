-- The number of the dead letter of the record that lay there.
SELECT id
  FROM foldline_dead_letters
 WHERE topic = %(topic)s AND partition = %(partition)s AND incarnation = %(incarnation)s
   AND record_offset = %(record_offset)s
