-- One timeline row per applied workflow event, of the partition whose position moves in this transaction.
SELECT foldline_add_timeline(
           %(ids)b::bigint[], %(workflow_ids)b::text[], %(kinds)b::text[], %(steps)b::text[],
           %(occurred_ats)b::timestamptz[], %(correlation_ids)b::text[], %(event_ids)b::text[],
           %(error_messages)b::text[], %(payloads)b::text[], %(offsets)b::bigint[])
