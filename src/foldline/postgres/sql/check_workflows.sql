-- How many of these workflows, judged but not moved, are still as the fold saw them; cleaned ones by what was kept.
SELECT (SELECT count(*)
          FROM (SELECT
                  FROM unnest(%(workflow_ids)b::text[], %(revisions)b::bigint[]) AS seen (workflow_id, revision)
                  JOIN workflow_executions AS held USING (workflow_id)
                 WHERE held.revision = seen.revision
                 ORDER BY held.workflow_id COLLATE "C"
                   FOR SHARE OF held) AS live)
     + (SELECT count(*)
          FROM (SELECT
                  FROM unnest(%(workflow_ids)b::text[], %(revisions)b::bigint[]) AS seen (workflow_id, revision)
                  JOIN foldline_cleaned_workflows AS held USING (workflow_id)
                 WHERE held.revision = seen.revision
                 ORDER BY held.workflow_id COLLATE "C"
                   FOR SHARE OF held) AS cleaned)
