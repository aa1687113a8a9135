-- What operators have accepted, latest first.
SELECT id, topic, partition, problem, incarnation, from_offset, to_offset, why, accepted_by, accepted_at
  FROM foldline_acceptances
 ORDER BY id DESC
