"""The ticket systems that are set up, by name."""

from collections.abc import Sequence

from mlc.model.failure import Refused
from mlc.ticketing.port import Ticketing


class TicketSystems:
    """At most one Jira and one ServiceNow."""

    def __init__(self, *systems: Ticketing) -> None:
        self._systems = {system.provider: system for system in systems}

    def __getitem__(self, provider: str) -> Ticketing:
        """The system of this name.

        Raises:
            Refused: it isn't set up.
        """
        try:
            return self._systems[provider]
        except KeyError:
            message = (
                f"No {provider} is set up: set MLC_{provider.upper()}_URL and its account, and restart the worker."
            )
            raise Refused(provider, message, status=501) from None

    @property
    def names(self) -> Sequence[str]:
        """The providers that are set up."""
        return list(self._systems)
