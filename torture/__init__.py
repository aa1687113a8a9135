"""The proof: workers are killed, frozen and cut off while a log is written, and the tables must not show it."""
