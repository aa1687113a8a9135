-- The new verdict of identities that had been rejected. Fewer rows than identities: one of them is no longer.
UPDATE foldline_identities AS held
   SET rejected = judged.rejected
  FROM unnest(%(digests)b::text[]::uuid[], %(rejected)b::boolean[]) AS judged (digest, rejected)
 WHERE held.digest = judged.digest AND held.rejected
