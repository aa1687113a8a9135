"""The proof: workers that are killed, frozen, cut off and starved while a log is written, and tables that must not show it."""
