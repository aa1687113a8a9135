-- The records that brought this workflow event to a verdict, as far as it is kept.
SELECT topic, partition, record_offset
  FROM workflow_execution_history
 WHERE workflow_id = %(workflow_id)s AND correlation_id = %(correlation_id)s AND event_id = %(event_id)s
 UNION
SELECT topic, partition, record_offset
  FROM foldline_dead_letters
 WHERE workflow_id = %(workflow_id)s
   AND correlation_id = %(correlation_id)s AND event_id = %(event_id)s AND verdict = 'rejected'
 ORDER BY 1, 2, 3
