-- Which events have had their verdict. Outlives every clean-up: what was judged once is a duplicate for ever.

CREATE TABLE IF NOT EXISTS foldline_identities (
    digest   uuid    PRIMARY KEY,
    rejected boolean NOT NULL
);
COMMENT ON TABLE foldline_identities IS 'One row an event that was applied or rejected.';
COMMENT ON COLUMN foldline_identities.digest IS '128-bit BLAKE2b of the identity: the names may be longer than an index entry.';
COMMENT ON COLUMN foldline_identities.rejected IS 'Rejected, not applied: then a redrive is judged again.';
