"""ServiceNow as the registry of ticket systems lists it."""

from collections.abc import Iterator

from mlc.model.finding import Finding
from mlc.ticketing.port import Ticketing
from mlc.ticketing.servicenow.settings import ServiceNowSettings
from mlc.ticketing.servicenow.webhook import webhook
from mlc.ticketing.system import TicketSystem


def _adapter(settings: ServiceNowSettings) -> Ticketing:
    # Imported when it is needed: the gateway does without the package of ServiceNow's API.
    from mlc.ticketing.servicenow.adapter import ServiceNowTicketing

    return ServiceNowTicketing(settings)


def _check(settings: ServiceNowSettings) -> Iterator[Finding]:
    from mlc.ticketing.servicenow.check import findings

    return findings(settings)


def _knock(settings: ServiceNowSettings) -> None:
    from mlc.ticketing.servicenow.check import knock

    knock(settings)


SERVICENOW = TicketSystem(
    provider="servicenow",
    name="ServiceNow",
    settings=ServiceNowSettings,
    account=("url", "user", "password"),
    adapter=_adapter,
    webhook=webhook,
    check=_check,
    knock=_knock,
)
