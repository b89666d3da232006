"""The ticket desk of standalone mode: enough of Jira's REST API for the real client, and a board for people."""

from mlc.standalone.desk.app import create_app

__all__ = ["create_app"]
