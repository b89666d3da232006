"""Which task queue an activity is done on: those that call a ticket system have one of their own.

So a ticket system's rate can be limited for all workers together, and while it is slow or its rate is used up, nothing
else waits behind its calls. A worker serves both queues (``mlc/worker.py``).
"""

from collections.abc import Callable
from typing import Any

from activities.late import LateDecisions
from activities.sweep import SweepActivities
from activities.tickets import TicketActivities
from mlc.model.ticket import ticket_queue

TICKETING = (TicketActivities, SweepActivities, LateDecisions)


def calls_tickets(activity: Callable[..., Any]) -> bool:
    """Whether an activity, bound or not, calls a ticket system."""
    function = getattr(activity, "__func__", activity)
    return any(vars(kind).get(function.__name__) is function for kind in TICKETING)


def queue_of(activity: Callable[..., Any], task_queue: str) -> str | None:
    """The queue for an activity of a run on ``task_queue``; None for the run's own."""
    return ticket_queue(task_queue) if calls_tickets(activity) else None
