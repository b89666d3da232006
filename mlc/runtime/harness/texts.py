"""Texts for people that come from a model, or from somebody else: valid, printable, and as long as they may be."""

import re

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # control characters: ends of lines, and what terminals obey
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # what reorders or hides
    "\ud800-\udfff]"  # halves of surrogate pairs
)
_UNPRINTABLE_BUT_ENDS = re.compile(_UNPRINTABLE.pattern.replace("\x0a", "\x0b"))
CUT = " [...]"


def is_printable(text: str, *, lines: bool = False) -> bool:
    """Whether a text has nothing in it that :func:`one_line`, or else :func:`printable_lines`, replaces."""
    return (_UNPRINTABLE_BUT_ENDS if lines else _UNPRINTABLE).search(text) is None


def one_line(text: str, longest: int) -> str:
    """A text on one line, of at most so many characters; what can't be printed stands there escaped."""
    short = text[: longest + 1]  # what is left out need not be looked at
    shown = _UNPRINTABLE.sub(_escaped, short)
    return shown if len(shown) <= longest else f"{shown[: longest - len(CUT)]}{CUT}"


def printable_lines(text: str, longest: int) -> str:
    """A text of several lines; of one that is too long the beginning and the end remain."""
    if len(text) > longest:
        half = longest // 2 - 40
        text = f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"
    shown = "\n".join(_UNPRINTABLE.sub(_escaped, line) for line in text.splitlines())
    return shown[:longest]


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode()
