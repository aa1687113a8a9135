"""What those use who publish events: checking a file of them, and publishing it."""
