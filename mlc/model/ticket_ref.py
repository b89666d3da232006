"""Where a ticket is."""

from typing import Annotated

from pydantic import StringConstraints

from mlc.model.base import Record

Provider = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 _.-]{0,39}$")]
"""A ticket system, as inputs, settings and ``TicketRef.provider`` name it.

Which there are is told by their registry alone, in a room above this one. So a misspelt name gets this far, and whoever
knows what is set up refuses it with a list of that: the worker when it starts, a run when it begins.
"""


class TicketRef(Record):
    """Where a ticket is. ``provider`` names its system; ``label`` is our key on it."""

    provider: str
    id: str
    key: str
    url: str
    label: str
