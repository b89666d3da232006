"""Every kind of ticket system: a new one costs its own room, and one line here."""

from collections.abc import Iterable, Iterator
from typing import Any

from mlc.model.failure import ExternalError, MlcError
from mlc.settings import ProcessSettings
from mlc.settings.reading import of_their_own
from mlc.ticketing.jira import JIRA
from mlc.ticketing.servicenow import SERVICENOW
from mlc.ticketing.system import SystemSettings, TicketSystem
from mlc.ticketing.systems import TicketSystems

SYSTEMS: tuple[TicketSystem[Any], ...] = (JIRA, SERVICENOW)
"""In the order in which they are shown. Where a snapshot has the review tags of several, the first of them counts."""


class NotSetUp(MlcError):
    """The ticket systems' settings don't go together: none has an address, say. The text says what to set."""


def with_settings(*given: SystemSettings) -> Iterator[tuple[TicketSystem[Any], SystemSettings]]:
    """Every system and its settings: those that are given, else those of the environment."""
    by_type = {type(settings): settings for settings in given}
    for system in SYSTEMS:
        yield system, by_type.get(system.settings) or system.settings()


def set_up(*given: SystemSettings) -> TicketSystems:
    """The systems that have an address, behind their port. Nothing is asked of them yet.

    Raises:
        NotSetUp: two have the same review tag, or one has another control tag.
        Refused: a setting of one is missing or wrong.
    """
    known = list(with_settings(*given))
    adapters = [system.adapter(settings) for system, settings in known if settings.url is not None]
    return TicketSystems(*adapters, review_tags=review_tags(known))


def review_tags(
    known: Iterable[tuple[TicketSystem[Any], SystemSettings]], process: ProcessSettings | None = None
) -> dict[str, str]:
    """The tags by which a snapshot asks for a review in one system, and the provider of each.

    Of those that aren't set up, too: a review that was asked for there must not be left out because of that.

    Args:
        known: systems with their settings.
        process: the processes' settings, if not the environment's: their tags ask for steps, too.

    Raises:
        NotSetUp: two have the same, or one has a tag that asks for a step of the processes.
        ValidationError: the processes' settings can't be used.
    """
    having = [(system, settings, settings.review_tag) for system, settings in known if settings.review_tag]
    steps = ((variable, tag) for tag, variable in (process or ProcessSettings()).control_tags.items())
    try:
        of_their_own([*steps, *((settings.variable("review_tag"), tag) for _, settings, tag in having)])
    except ValueError as error:
        raise NotSetUp(f"{error}.") from None
    return {tag: system.provider for system, _, tag in having}


def chosen(default: str) -> TicketSystems:
    """The systems of the environment.

    Args:
        default: the provider that tickets go to which nothing sends elsewhere (MLC_TICKETING).

    Raises:
        NotSetUp: there is none, or not that one; or a review tag asks for something else, too.
        Refused: a setting of one is missing or wrong.
    """
    systems = set_up()
    if problem := what_is_missing(default, list(systems.names)):
        raise NotSetUp(": ".join(problem) + ".")
    return systems


def knock(*given: SystemSettings) -> Iterator[ExternalError]:
    """Ask each system that is set up one small question, and tell what goes wrong. Blocking."""
    for system, settings in with_settings(*given):
        if settings.url is None or system.knock is None:
            continue
        try:
            system.knock(settings)
        except ExternalError as error:
            yield error


def what_is_missing(default: str, there: list[str]) -> tuple[str, str] | None:
    """What keeps tickets from going anywhere, and what to do about it; None if nothing does.

    Args:
        default: as MLC_TICKETING says.
        there: the providers that are set up.
    """
    wanted = next((system for system in SYSTEMS if system.provider == default), None)
    if wanted is None:
        names = ", ".join(system.provider for system in SYSTEMS)
        return f"MLC_TICKETING names no ticket system: {default!r}", f"set it to one of: {names}"
    if default in there:
        return None
    if there:
        return (
            f"No {wanted.name} is set up, though tickets go there (MLC_TICKETING={default})",
            f"set {wanted.needed}, or MLC_TICKETING={there[0]}",
        )
    others = [f"{system.needed} with MLC_TICKETING={system.provider}" for system in SYSTEMS if system is not wanted]
    return "No ticket system is set up", "; or ".join([f"set {wanted.needed}", *others])
