"""What the tables must hold, read a second time from the rules: slow, by the letter, without a line of foldline's."""
