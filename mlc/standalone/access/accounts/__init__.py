"""Accounts of people who use standalone mode by name, in a file of one machine, and what their roles let them do."""
