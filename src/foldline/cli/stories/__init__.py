"""What happened to an entity, a workflow or a record, and why."""
