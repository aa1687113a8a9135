"""The pure core: events, decoding, machines, the decision and the fold. No I/O, no clock, no randomness, no threads."""
