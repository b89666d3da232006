"""Standalone mode's model centre: model-manage's REST API over SQLite, and pages for people."""
