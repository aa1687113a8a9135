"""What has to be right before a worker runs: schema, topics, settings, machines."""
