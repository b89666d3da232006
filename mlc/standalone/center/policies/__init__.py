"""Governance policies: kept by their hash, with the history of which was current."""
