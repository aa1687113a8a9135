-- How far each older partition had been judged when one that was added later began.
SELECT topic, partition, older, end_offset FROM foldline_barriers ORDER BY topic COLLATE "C", partition, older
