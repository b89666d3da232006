"""The model centre: the port in the domain's terms, and ModelOp's adapter in a room of its own (``modelop``)."""

from mlc.center.capability import Capability, Unsupported, require
from mlc.center.catalogue import Catalogue, Contents, NewFile
from mlc.center.ledger import Ledger, NewDeployment, NewJob, NewMonitor
from mlc.center.online_requests import KeptRequests
from mlc.center.port import Center
from mlc.center.surroundings import Beside, Surroundings, Tested

__all__ = [
    "Beside",
    "Capability",
    "Catalogue",
    "Center",
    "Contents",
    "KeptRequests",
    "Ledger",
    "NewDeployment",
    "NewFile",
    "NewJob",
    "NewMonitor",
    "Surroundings",
    "Tested",
    "Unsupported",
    "require",
]
