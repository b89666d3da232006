"""The settings that a run follows to its end, whatever they are changed to meanwhile."""

from datetime import timedelta

from mlc.model.base import OpenEnum, Record, renamed
from mlc.model.job import OnLostRecords
from mlc.model.monitor_plan import OnMissingMonitor
from mlc.model.ticket import Provider


class OnFailedVerdict(OpenEnum):
    """What comes of a verdict that did not pass."""

    REJECT = "reject"
    """A rejection ticket."""
    ASK = "ask"
    """The review ticket says so, and the reviewer may override it."""
    UNKNOWN = "unknown"
    """As ``REJECT``."""


class Policy(Record):
    """The settings that steer a run, read once when it starts so that it ends by the rules it began under."""

    outage_budget: timedelta = renamed(timedelta(hours=24), "outage_budget", was="patience")
    """How long an outage is retried before it becomes an error ticket."""
    ticket_index_lag: timedelta = renamed(timedelta(seconds=120), "ticket_index_lag", was="settle")
    """How long a search may lag behind a write in the ticket system: waited after an ambiguous creation."""
    center_index_lag: timedelta = renamed(timedelta(seconds=15), "center_index_lag", was="center_settle")
    on_failed_verdict: OnFailedVerdict = OnFailedVerdict.REJECT
    on_lost_records: OnLostRecords = OnLostRecords.FAIL
    on_missing_monitor: OnMissingMonitor = OnMissingMonitor.WARN
    handover: bool = False
    """Whether a run with a long history goes on as a new one. Not those that a release began which can't do so."""
    monitor_silence: timedelta = timedelta(days=7)
    """How long nothing is said of a breach whose ticket was closed while it goes on."""
    undeploy_asks: bool = True
    """Whether a ticket asks before a monitor takes a snapshot out of use."""
    ticketing: Provider = "jira"
    """Where tickets go that neither the snapshot nor the input sends elsewhere."""
    ticket_systems: list[str] = []
    """The ticket systems that are set up."""
