"""A ticket system's webhooks, as far as they differ from system to system: what stands where in what it sends.

Pure: who listens, and what a webhook must prove before it is read, is the gateway's (:mod:`mlc.gateway.webhook`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mlc.model.failure import MlcError


class Read(BaseModel):
    """What is read of an event, under the sender's own names; everything else is left alone."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


R = TypeVar("R", bound=Read)


@dataclass(frozen=True)
class Event:
    """All that counts of an event: which ticket, where it lies, and when it was sent (seconds since 1970).

    ``unrepeatable``: it says so exactly when it happened that no other event of the ticket has the same body.
    """

    key: str
    place: str
    labels: Sequence[str] = ()
    created: bool = False
    sent: float | None = None
    unrepeatable: bool = False


@dataclass(frozen=True)
class Webhook:
    """What a system's webhooks look like.

    ``read`` gives the event of a body, None if that is about no ticket, and raises ``BadEvent``; ``key`` is what its
    tickets' keys look like. ``places`` are the projects or tables that are listened to. A signature stands in the first
    of ``signature_headers`` that a request has.
    """

    key: re.Pattern[str]
    key_field: str
    places: frozenset[str]
    signature_headers: Sequence[str]
    delivery_header: str
    example: dict[str, Any]
    read: Callable[[bytes], Event | None]


class BadEvent(MlcError):
    """A body that is no event of this sender; the text says why."""


def parsed(kind: type[R], body: bytes) -> R:
    """A body as JSON.

    Raises:
        BadEvent: it isn't, or has another shape.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise BadEvent(f"{place}: {first['msg']}") from None
