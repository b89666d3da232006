"""ServiceNow: all that is known of it in this house, but for the desk that plays it."""

from mlc.ticketing.servicenow.system import SERVICENOW

__all__ = ["SERVICENOW"]
