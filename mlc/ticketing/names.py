"""Names that people give to statuses, resolutions and fields, compared as people read them."""

import unicodedata
from collections.abc import Iterable

_APOSTROPHES = dict.fromkeys(
    map(ord, "'`\u00b4\u2018\u2019\u201a\u201b\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u2032\u2035\u055a\ua78c\uff07")
)
"""What people type for an apostrophe: it, accents, quotation marks, primes, and letters that look like it."""


_DOTTED, _DOTLESS = ("i\u0307", "i"), ("\u0131", "i")
"""What becomes of Turkish letters, of which case tells nothing where the language isn't known."""


def folded(name: str) -> str:
    """A name without what people don't see or don't mind: apostrophes, case, Unicode form, more than one blank."""
    text = unicodedata.normalize("NFKC", name.translate(_APOSTROPHES)).casefold()
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).replace(*_DOTTED).replace(*_DOTLESS)
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def is_listed(listed: Iterable[str], *known: str) -> bool:
    """Whether a list has a thing under one of the names or ids by which it is known; an empty one is none."""
    return bool({folded(name) for name in known} & {folded(name) for name in listed} - {""})
