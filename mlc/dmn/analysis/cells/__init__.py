"""What the cells of a decision table say, and whether it can be what was meant."""
