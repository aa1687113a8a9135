-- Notes how many partitions a topic has when a worker meets it for the first time: these are no later ones.
INSERT INTO foldline_topics (topic, partitions)
VALUES (%(topic)s, %(partitions)s)
ON CONFLICT (topic) DO NOTHING
