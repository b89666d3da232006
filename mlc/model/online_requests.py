"""Online requests that are kept: what a model was asked and answered, for the monitors that watch it."""

from datetime import datetime
from typing import Any

from pydantic import Field

from mlc.model.base import LONGEST_ID, Record

MOST_IN_A_BATCH = 1_000
LONGEST_RECORD = 256 * 1024
"""Bytes of one record with its score, as JSON. A longer one is not kept."""


class OnlineRequest(Record):
    """A record that a model has answered: the columns of its schema, its scores among them."""

    record_id: str | None = None
    """What the schema's identifier column says, as :func:`mlc.model.truth.identifier_of` has it; None without one."""
    moment: datetime
    """When it was answered, with its zone."""
    record: dict[str, Any]


class OnlineBatch(Record):
    """Requests of one deployment, on their way to the centre. The same ``id`` is kept once, however often it is sent.

    ``missed`` counts the answered records that were not kept since the batch before, the first of them at ``since``.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    deployment_id: str = Field(min_length=1, max_length=LONGEST_ID)
    requests: list[OnlineRequest] = Field(max_length=MOST_IN_A_BATCH)
    missed: int = Field(0, ge=0, lt=10**12)
    since: datetime | None = None


class OnlineSpan(Record):
    """How many online requests of a snapshot are kept, from when to when, and how many of that time were not."""

    count: int = Field(ge=0)
    first: datetime | None = None
    last: datetime | None = None
    missed: int = Field(0, ge=0)
    missed_since: datetime | None = None


class Forgotten(Record):
    """What was deleted of one record's identifier: kept requests, and files of jobs in which it may have stood."""

    requests: int = 0
    files: int = 0
