"""Jira as the registry of ticket systems lists it."""

from collections.abc import Iterator

from mlc.model.finding import Finding
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.jira.webhook import webhook
from mlc.ticketing.port import Ticketing
from mlc.ticketing.system import TicketSystem


def _adapter(settings: JiraSettings) -> Ticketing:
    # Imported when it is needed: the gateway does without the package of Jira's API.
    from mlc.ticketing.jira.adapter import JiraTicketing

    return JiraTicketing(settings)


def _check(settings: JiraSettings) -> Iterator[Finding]:
    from mlc.ticketing.jira.check import findings

    return findings(settings)


def _knock(settings: JiraSettings) -> None:
    from mlc.ticketing.jira.check import knock

    knock(settings)


JIRA = TicketSystem(
    provider="jira",
    name="Jira",
    settings=JiraSettings,
    account=("url", "user", "token"),
    adapter=_adapter,
    webhook=webhook,
    check=_check,
    knock=_knock,
)
