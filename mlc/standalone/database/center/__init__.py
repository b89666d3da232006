"""Revisions of the model centre's tables."""
