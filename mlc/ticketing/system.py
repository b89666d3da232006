"""What a ticket system is to the rest of the house: one object, made in the system's own room.

Gateway, check, worker and settings know systems by nothing else; :mod:`mlc.ticketing.registry` lists them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import Field, SecretStr, field_validator

from mlc.model.finding import Finding
from mlc.settings.reading import Group, trimmed
from mlc.ticketing.port import Ticketing
from mlc.ticketing.webhook import Webhook

_PROVIDER = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)
_RESERVED = {"seen"}
"""Begins another entry than a ticket's in the search attribute of open tickets."""


class SystemSettings(Group):
    """What every ticket system's settings have. Each is set up when it has an address."""

    url: str | None = Field(None, description="Base address")
    webhook_secrets: list[SecretStr] = Field([], description="Secrets of its webhooks (two during a rotation)")
    review_tag: str | None = Field(None, description="Tag that asks for judgement and a reviewer there")

    _trimmed = field_validator("review_tag")(trimmed)


S = TypeVar("S", bound=SystemSettings)


@dataclass(frozen=True)
class TicketSystem(Generic[S]):
    """A kind of ticket system.

    Args:
        provider: its name in inputs, in MLC_TICKETING, in ``TicketRef.provider`` and in the webhook's path; lower-case
            letters, digits and ``_``.
        name: what people call it.
        settings: read from variables with a prefix of its own.
        account: names of the settings without which nothing can be made there, the address first.
        adapter: the port, from the settings. Raises ``Refused`` where they are wrong.
        webhook: what the gateway has to know of its webhooks.
        check: what ``mlc check`` finds of it, when it is set up. Blocking, and reading only.
        knock: asks its address one small question. Blocking; raises what comes of it. None: it isn't asked.

    Raises:
        ValueError: the provider can't be a name.
    """

    provider: str
    name: str
    settings: type[S]
    account: tuple[str, ...]
    adapter: Callable[[S], Ticketing]
    webhook: Callable[[S], Webhook]
    check: Callable[[S], Iterator[Finding]]
    knock: Callable[[S], None] | None = None

    def __post_init__(self) -> None:
        if not _PROVIDER.fullmatch(self.provider) or self.provider in _RESERVED:
            raise ValueError(f"{self.provider!r} can't be the name of a ticket system")

    @property
    def needed(self) -> str:
        """What to set so that there is one, such as "MLC_X_URL and MLC_X_TOKEN"."""
        *first, last = map(self.settings.variable, self.account)
        return f"{', '.join(first)} and {last}" if first else last
