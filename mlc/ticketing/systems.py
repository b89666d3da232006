"""The ticket systems that are set up, by name."""

from collections.abc import Mapping, Sequence

from mlc.model.failure import Refused
from mlc.ticketing.port import Ticketing


class TicketSystems:
    """At most one of each kind.

    Args:
        review_tags: the tags by which a snapshot asks for a review in one of them, and the provider of each.
    """

    def __init__(self, *systems: Ticketing, review_tags: Mapping[str, str] | None = None) -> None:
        self._systems = {system.provider: system for system in systems}
        self.review_tags = dict(review_tags or {})

    def __getitem__(self, provider: str) -> Ticketing:
        """The system of this name.

        Raises:
            Refused: it isn't set up.
        """
        try:
            return self._systems[provider]
        except KeyError:
            there = " and ".join(self._systems) or "none"
            message = f"No ticket system {provider!r} is set up (there: {there}): set it up, and restart the worker."
            raise Refused(provider, message, status=501) from None

    @property
    def names(self) -> Sequence[str]:
        """The providers that are set up."""
        return list(self._systems)
