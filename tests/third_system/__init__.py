"""A third ticket system, to show what a further one costs: this folder, and a line in the registry.

``server`` is the system itself, a small tracker with an API of its own; ``site`` lets the suites of ``mlc.testing`` act
there as people do. The rest is what would be a room in ``mlc/ticketing``.
"""

from mlc.ticketing.system import TicketSystem
from third_system.adapter import TrackerTicketing
from third_system.check import findings
from third_system.settings import TrackerSettings
from third_system.webhook import webhook

TRACKER = TicketSystem(
    provider="tracker",
    name="Tracker",
    settings=TrackerSettings,
    account=("url", "token"),
    adapter=TrackerTicketing,
    webhook=webhook,
    check=findings,
)
