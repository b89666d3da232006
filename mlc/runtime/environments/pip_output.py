"""What pip says of an installation that failed: its reason, whether an index was away, and no credentials."""

import re
from collections.abc import Iterable

MOST_REASONS = 4
LONGEST_REASON = 240
"""Characters of one: pip may list a hundred versions."""

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT[\d:,]+ ")
_REASON = re.compile(r"^(?:ERROR: (?:\[present-\w+\] )?|\u00d7 )(.+)")
_FAULT = "Exception:"
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception)\b.*")
"""The last line of a traceback: what pip itself stumbled over."""
_NOTHING_FITS = "No matching distribution"
_NOT_FETCHED = re.compile(r"Could not fetch URL (\S+): (.+?)(?: - skipping)?$")
_AWAY = re.compile(
    r"connection error|Max retries exceeded|timed out|^5\d\d |HTTP error 5\d\d|ConnectionPool\(|IncompleteRead"
)
_CERTIFICATE = re.compile(r"certificate|SSLError", re.IGNORECASE)
_STEP = re.compile(r"^(?:Collecting|Downloading|Building|Preparing|Getting requirements|Installing) .+")

_PACKAGE = re.compile(r"^(?:Collecting|Processing) (\S+)")
"""Not indented: what is, a build of a package says of its own."""

_USER = re.compile(r"(\w+://)[^\s/'\"]*@")
_QUERY = re.compile(r"(\w+://[^\s?'\"]+)\?[^\s'\"]+")
HIDDEN = "****"


class PipOutput:
    """The text that pip wrote, its log or what it printed.

    Args:
        private: texts whose addresses hold credentials: the requirements, and settings of pip's.
    """

    def __init__(self, text: str, private: Iterable[str] = ()) -> None:
        secrets = {part for given in private for user in _users(given) for part in (user, *user.split(":"))}
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            if len(secret) >= 4:  # a shorter one is a part of ordinary words; in an address it is hidden all the same
                text = text.replace(secret, HIDDEN)
        text = _QUERY.sub(rf"\1?{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", text))
        outer = [_TIME.sub("", line).rstrip() for line in text.splitlines() if line.strip()]
        self._packages = [match[1] for line in outer if (match := _PACKAGE.match(line))]
        self.lines = [line.strip() for line in outer]

    def reason(self) -> str:
        """Why it failed, in pip's own words; empty if it doesn't say. What names a package comes first."""
        found = dict.fromkeys(match[1] for line in self.lines if (match := _REASON.match(line)))
        if _FAULT in found:
            raised = [line for line in self.lines if _RAISED.match(line)]
            found = dict.fromkeys([*(reason for reason in found if reason != _FAULT), *raised[-1:]] or [_FAULT])
        reasons = sorted(found, key=lambda reason: not reason.startswith(_NOTHING_FITS))
        refused = dict.fromkeys(why for why in self._not_fetched() if why[:2] == "40" and not why.startswith("404"))
        said = "; ".join(_cut(reason).rstrip(".") for reason in [*reasons[:MOST_REASONS], *list(refused)[:1]])
        last = _cut(self._packages[-1]) if self._packages else ""
        return said if not said or not last or _NOTHING_FITS in said or last in said else f"{last}: {said}"

    def outage(self) -> str:
        """Which index could not be reached, or is out of order; empty if there was another reason."""
        if any(_CERTIFICATE.search(why) for why in self._not_fetched()):
            return ""
        failed = [match[1] for line in self.lines if (match := _REASON.match(line))]
        away = next((why for why in [*self._not_fetched(), *failed] if _AWAY.search(why)), "")
        return _cut(away)

    def step(self) -> str:
        """What it was at in the end."""
        return _cut(next((line for line in reversed(self.lines) if _STEP.match(line)), "").partition(" (from ")[0])

    def _not_fetched(self) -> list[str]:
        return [match[2] for line in self.lines if (match := _NOT_FETCHED.match(line))]


def _users(text: str) -> Iterable[str]:
    return (match[0].split("://", 1)[1].removesuffix("@") for match in _USER.finditer(text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 6]} [...]"
