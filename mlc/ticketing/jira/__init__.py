"""Jira, Cloud and Data Center: all that is known of it in this house, but for the desk that plays it."""

from mlc.ticketing.jira.system import JIRA

__all__ = ["JIRA"]
