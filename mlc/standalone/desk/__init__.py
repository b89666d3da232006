"""The ticket desk of standalone mode: enough of Jira's and ServiceNow's APIs for real clients, and a board."""

from mlc.standalone.desk.app import create_app

__all__ = ["create_app"]
