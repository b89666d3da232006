"""Revisions of the ticket desk's tables."""
