-- An operator's answer to a stopped partition: it goes on elsewhere, and that is recorded. NULL: it is not as it was seen.
SELECT foldline_accept_position(%(topic)s, %(partition)s, %(seen_offset)s, %(seen_reason)s, %(going_on_at)s,
                                %(another_log)s, %(topic_id)s, %(partitions)s, %(compacted)s, %(why)s, %(who)s)
