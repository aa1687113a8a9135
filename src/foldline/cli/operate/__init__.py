"""A worker, and how it and its partitions fare."""
