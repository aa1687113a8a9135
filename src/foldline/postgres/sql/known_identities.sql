-- Which of these identities had their verdict already.
SELECT replace(digest::text, '-', ''), rejected
  FROM foldline_identities
 WHERE digest = ANY (%(digests)b::text[]::uuid[])
