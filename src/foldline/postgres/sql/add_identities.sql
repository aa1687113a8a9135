-- New identities with their verdict. Fewer rows than identities: one of them had its verdict already.
INSERT INTO foldline_identities (digest, rejected)
SELECT * FROM unnest(%(digests)b::text[]::uuid[], %(rejected)b::boolean[])
ON CONFLICT DO NOTHING
