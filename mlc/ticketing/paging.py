"""Listings that come in pages end, whatever a system says."""

from collections.abc import Collection

from mlc.model.failure import Refused

MOST_PAGES = 100
"""Pages of one listing: 10,000 tickets under a label of ours, or comments on one of them, are no honest answer."""
MOST_EMPTY = 3
"""Pages on end that hold nothing, as those of things do that we may not see."""
LOOP = 508
"""The status that HTTP has for this (RFC 5842), which no answer of theirs had."""


class Paging:
    """Watches over one listing. Its errors are ``Refused``: asked again, the system would say the same.

    Args:
        system: who lists, such as ``"Jira"``.
        doing: what for, to be put behind "when asked to".
    """

    def __init__(self, system: str, doing: str) -> None:
        self._system = system
        self._doing = doing
        self._seen: set[str] = set()
        self._tokens: set[str] = set()
        self._pages = 0
        self._empty = 0

    def came(self, ids: Collection[str]) -> None:
        """To be told of each page that came.

        Raises:
            Refused: it says nothing new, or there is no end of them.
        """
        known = len(self._seen)
        self._seen.update(ids)
        self._pages += 1
        if ids and len(self._seen) == known:
            raise self.broken("sent the same page again")
        self._empty = 0 if ids else self._empty + 1
        if self._empty > MOST_EMPTY:
            raise self.broken("sent one empty page after another")
        if self._pages > MOST_PAGES:
            raise self.broken(f"came to no end within {MOST_PAGES} pages")

    def goes_on(self, token: str) -> None:
        """To be told of the next page's token.

        Raises:
            Refused: it was there before, so that its page was, too.
        """
        if token in self._tokens:
            raise self.broken("named the same next page again")
        self._tokens.add(token)

    def broken(self, how: str) -> Refused:
        """The error for a listing that can't be believed."""
        return Refused(self._system, f"{self._system} {how} when asked to {self._doing}", status=LOOP)
