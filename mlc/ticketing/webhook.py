"""A ticket system's webhooks, as far as they differ from system to system: what stands where in what it sends.

Pure: who listens, and what a webhook must prove before it is read, is the gateway's (:mod:`mlc.gateway.webhook`).
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from mlc.model.failure import MlcError

EARLIEST, LATEST = 1e12, 1e13
"""Between these two (2001 and 2286) a number is a time in milliseconds since 1970, and no other number is one."""
LONGEST_INTEGER = 30
"""Digits of a number that is kept to the last one."""


class Read(BaseModel):
    """What is read of an event, under the sender's own names; everything else is left alone.

    An event is only a hint, and may not come again if it is refused: a field that can't be read is as if it were not
    there.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_nothing(cls, given: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return read(given)
        except ValidationError:
            field = cls.model_fields[info.field_name or ""]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


R = TypeVar("R", bound=Read)


def _moment(given: object) -> float | None:
    try:
        number = float(given) if isinstance(given, int | float | str) and not isinstance(given, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if EARLIEST <= number < LATEST else None


Moment = Annotated[float | None, BeforeValidator(_moment)]
"""A time in milliseconds since 1970, as a number or in digits; whatever else stands there is as good as none."""


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
    """A body as JSON, in whatever way it is written: in any Unicode encoding, with or without its mark at the front.

    Raises:
        BadEvent: it isn't an object, or lacks a field that has no default.
    """
    given = _json(body)
    if not isinstance(given, dict):
        raise BadEvent("the body: it is no JSON object")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise BadEvent(f"{place}: {first['msg']}") from None


def _json(body: bytes) -> Any:
    text = body.decode(json.detect_encoding(body), "replace").lstrip("\ufeff")
    try:
        # Raw line ends within texts are no JSON, and what a template makes of a summary.
        return json.loads(text, strict=False, parse_int=_integer)
    except RecursionError:
        raise BadEvent("the body: it is nested too deeply") from None
    except ValueError:
        raise BadEvent("the body: it is no JSON") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)
