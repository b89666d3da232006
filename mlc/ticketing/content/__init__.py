"""What a ticket says, in no system's markup: the question, the evidence, what changed. Pure functions."""
