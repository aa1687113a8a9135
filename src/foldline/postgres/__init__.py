"""PostgreSQL: the only room that knows psycopg. One SQL statement per file, in `sql/`."""
