-- Every identity that has its verdict, in no order.
SELECT encode(uuid_send(digest), 'hex') AS digest, rejected FROM foldline_identities
