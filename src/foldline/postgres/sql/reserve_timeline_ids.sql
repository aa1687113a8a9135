-- One id per record, ascending, for the timeline rows that a fold may write. Unused ones are gaps.
SELECT array_agg(id ORDER BY id)
  FROM (SELECT nextval('workflow_execution_history_id_seq') AS id FROM generate_series(1, %(records)s)) AS reserved
