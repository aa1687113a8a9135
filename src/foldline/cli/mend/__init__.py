"""Commands that mend what the log brought: through the log, so that a replay knows of it."""
