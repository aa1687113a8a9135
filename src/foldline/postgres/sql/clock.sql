-- What time the database has.
SELECT clock_timestamp()
