"""A governance policy as a model centre keeps it: by the SHA-256 of its text, and since when by whom it was current."""

from datetime import datetime

from mlc.model.base import Record


class PolicyRef(Record):
    """That a policy became the current one. ``sha256`` is of its text as UTF-8, in lower-case hexadecimal digits."""

    sha256: str
    put_at: datetime
    put_by: str
    """Who did so, by what the centre knows of whoever asked it."""


class KeptPolicy(PolicyRef):
    """A policy's text, byte for byte as it was put, and when it became the current one last."""

    text: str
