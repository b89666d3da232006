"""What ticket systems answer over HTTP: JSON, or why it isn't what was asked for, in the site's own words."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from mlc.model import retry_after
from mlc.model.address import leads_elsewhere, redirected
from mlc.model.failure import ExternalError, Misdirected, Unavailable
from mlc.ticketing.http_failure import of_status, shortened

_SINGLE = ("message", "errorMessage", "error_description", "detail")
"""Where Jira, its gateway, ServiceNow and what stands before them put one sentence."""
_LONGEST_PLAIN = 2_000
"""Bytes of a plain text that are looked at."""


@dataclass(frozen=True)
class Denial:
    """``said``: what a site says of a refusal elsewhere than in the body; ``hint``: what to do about it, if known."""

    said: Sequence[str] = ()
    hint: str = ""


NO_DENIAL = Denial()


class Answers:
    """The answers of one system: reads them, and turns those that are none into ``mlc.model.failure``'s errors.

    Args:
        system: who answers, such as ``"Jira"``.
        setting: the variable that its address is set in.
        base: that address.
        secrets: what must not appear in any text, at this moment.
    """

    def __init__(self, system: str, setting: str, base: str, secrets: Callable[[], Iterable[str]]) -> None:
        self._system = system
        self._setting = setting
        self._base = base
        self._secrets = secrets

    def failure(
        self, doing: str, response: requests.Response, *, write: bool = False, denial: Denial = NO_DENIAL
    ) -> ExternalError:
        """The failure that an answer is.

        Args:
            doing: what was asked, such as ``"create a ticket"``.
            write: it was to change something.
            denial: what is known of a refusal beyond status and body.
        """
        status = response.status_code
        if 300 <= status < 400:
            return self._redirect(doing, response)
        said = shortened([*denial.said, *words(response)], self._secrets())
        if not 400 <= status < 600:
            return self.unreadable(doing, write=write, said=said)
        wait = retry_after.decode(response.headers.get(retry_after.NAME))
        return of_status(self._system, doing, status, said=said, wait=wait, write=write, hint=denial.hint)

    def unreadable(self, doing: str, *, write: bool = False, said: str = "") -> Unavailable:
        """An answer came, and is none that the system would give."""
        why = said or f"is {self._setting} right, does the site sleep, or is a page in between?"
        sentence = f"{self._system} sent an unreadable answer when asked to {doing}: {why}"
        return Unavailable(self._system, sentence, maybe_done=write)

    def _redirect(self, doing: str, response: requests.Response) -> Misdirected:
        """Never followed: what is to be written would be asked for instead, and credentials sent where nobody meant."""
        location = response.headers.get("Location", "")
        shown, address = redirected(self._base, response.url, location) if location else ("nowhere", None)
        shown = shortened([address or shown], self._secrets())
        address = address and shown
        where = leads_elsewhere(self._setting, shown, address)
        sentence = f"{self._system} answered {response.status_code} when asked to {doing}: {where}"
        return Misdirected(self._system, sentence, status=response.status_code, address=address)


def document(response: requests.Response) -> Any:
    """The JSON of an answer; None if it is empty.

    Raises:
        ValueError: it is no JSON.
    """
    if not response.content:
        return None
    try:
        return json.loads(response.content)
    except RecursionError:
        raise ValueError("nested too deep") from None


def words(response: requests.Response) -> list[str]:
    """A site's own messages; nothing of an answer that isn't the system's (a proxy's page, say)."""
    try:
        body = document(response)
    except ValueError:
        plain = response.headers.get("Content-Type", "").lower().startswith("text/")
        text = response.content[:_LONGEST_PLAIN].decode("utf-8", "replace") if plain else ""
        body = None if "<" in text else text  # a sentence may be said to be HTML, a page is one
    found = list(dict.fromkeys(_words_of(body)))
    return [text for text in found if not any(text != other and text in other for other in found)]


def _words_of(body: Any) -> Iterator[str]:
    if isinstance(body, str) and not body.lstrip().startswith("<"):
        yield body
    if not isinstance(body, dict):
        return
    yield from _texts(body.get("errorMessages"))
    errors, error = body.get("errors"), body.get("error")
    if isinstance(errors, dict):
        for field, texts in errors.items():
            yield from (f"{field}: {text}" for text in _texts(texts))
    else:
        yield from _texts(errors)
    yield from _texts(error)
    yield from (text for name in _SINGLE for text in _texts(body.get(name)))


def _texts(said: Any) -> Iterator[str]:
    """A message, or several, or objects that hold one."""
    for each in said if isinstance(said, list) else [said]:
        if isinstance(each, str) and each.strip():
            yield each
        elif isinstance(each, dict):
            yield from (text for name in _SINGLE if isinstance(text := each.get(name), str) and text.strip())
