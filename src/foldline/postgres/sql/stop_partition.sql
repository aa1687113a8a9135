-- Notes why the owner stopped its partition, for whoever asks; only while it still owns it.
UPDATE foldline_positions
   SET stopped_reason = %(reason)s,
       tripped        = %(tripped)s
 WHERE topic = %(topic)s AND partition = %(partition)s AND epoch = %(epoch)s
