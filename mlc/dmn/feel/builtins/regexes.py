"""String functions with patterns: matches, replace and split (DMN 1.5, 10.3.4.3, Table 74)."""

from __future__ import annotations

import re
from typing import Any

from mlc.dmn.errors import FeelError
from mlc.dmn.feel.run import ITEM, Run

from .signature import builtin

_REFERENCE = re.compile(r"\\(.?)|\$(\d*)", re.ASCII | re.DOTALL)
#: Steps for each match beyond the search itself.
MATCH = 4


def prepared(run: Run, pattern: str, flags: str, text: str) -> Any:
    """The compiled pattern. What it takes is imported when the first pattern is met: few decision tables have one."""
    from mlc.dmn.feel import patterns

    return patterns.prepared(run, pattern, flags, text)


@builtin("matches(input: string, pattern: string, [flags: string?])", takes_run=True)
def matches(run: Run, text: str, pattern: str, flags: str | None = None) -> bool:
    """Whether a part of the text fits the pattern: `matches("foobar", "^fo*bar")`."""
    return prepared(run, pattern, flags or "", text).search(text) is not None


@builtin("replace(input: string, pattern: string, replacement: string, [flags: string?])", takes_run=True)
def replace(run: Run, text: str, pattern: str, replacement: str, flags: str | None = None) -> str:
    r"""The text with something else for every part that fits: `replace("abcd", "(ab)|(a)", "[1=$1][2=$2]")`.

    In the replacement `$1` stands for the first group, `$0` for all that fitted, `\$` and `\\` for the characters.
    """
    expression = prepared(run, pattern, flags or "", text)
    parts = [replacement] if "q" in (flags or "") else _parts(replacement, expression.groups)
    written: list[str] = []
    end = 0
    for match in expression.finditer(text):
        if match.end() == match.start():
            raise FeelError("replace(): the pattern must not fit the empty string")
        pieces = [part if isinstance(part, str) else match.group(part) or "" for part in parts]
        length = sum(map(len, pieces))
        run.spend(MATCH + length // 64)
        run.hold(ITEM + length)
        written += (text[end : match.start()], *pieces)
        end = match.end()
    return "".join([*written, text[end:]])


@builtin("split(string: string, delimiter: string)", takes_run=True)
def split(run: Run, text: str, delimiter: str) -> list[str]:
    r"""The parts of a text between delimiters, which are a pattern: `split("John Doe", "\s")`."""
    found: list[str] = []
    end = 0
    for match in prepared(run, delimiter, "", text).finditer(text):
        if match.end() == match.start():
            raise FeelError("split(): the delimiter must not fit the empty string")
        run.spend(MATCH)
        run.hold(ITEM + match.start() - end)
        found.append(text[end : match.start()])
        end = match.end()
    return [*found, text[end:]]


def _parts(replacement: str, groups: int) -> list[str | int]:
    """The text of a replacement, and the numbers of the groups in it. Raises FeelError."""
    parts: list[str | int] = []
    end = 0
    for match in _REFERENCE.finditer(replacement):
        parts.append(replacement[end : match.start()])
        end = match.end()
        if match[2] is None:
            if match[1] not in ("\\", "$"):
                raise FeelError('replace(): in the replacement, only "\\" or "$" may follow "\\"')
            parts.append(match[1])
            continue
        if not match[2]:
            raise FeelError('replace(): in the replacement, a number must follow "$"; write "\\$" for the character')
        digits = match[2]
        while len(digits) > 1 and int(digits) > groups:
            digits = digits[:-1]
        # Digits that belong to no group are text; a group that the pattern has not is empty.
        parts += (int(digits) if int(digits) <= groups else "", match[2][len(digits) :])
    return [*parts, replacement[end:]]
