"""Text from outside, fit to be shown: printable, in the order in which it is written, and not too long."""

import unicodedata

LONGEST_LINE = 255
CUT = "…"

_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def printable(text: str) -> str:
    """Drop control characters, and those that make text read in another order than it is written."""
    return "".join(c for c in text if c == "\n" or (unicodedata.category(c) not in {"Cc", "Cs"} and c not in _BIDI))


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Plain text on one line of at most ``longest`` characters (for a summary, a link's title, a cell)."""
    return clipped(" ".join(printable(text.replace("\n", " ").replace("\t", " ")).split()), longest)


def clipped(text: str, longest: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= longest else text[: longest - 1] + CUT


def clipped_to_difference(before: str, now: str, longest: int) -> tuple[str, str]:
    """Two texts, cut so that the place where they begin to differ is seen in both."""
    if max(len(before), len(now)) <= longest:
        return before, now
    same = next((n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now)))
    start = max(0, same - longest // 4)
    mark = CUT if start else ""
    return clipped(mark + before[start:], longest), clipped(mark + now[start:], longest)
