"""What was probably meant by a text that does not parse: signs of other languages, quotes, numbers as elsewhere.

A fix is offered only when the text parses with it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from decimal import Decimal

from mlc.dmn.errors import FeelSyntaxError, Place
from mlc.dmn.feel.builtins import BUILTINS
from mlc.dmn.feel.parser import parse_expression, parse_unary_tests
from mlc.dmn.feel.values import number_text
from mlc.dmn.feel.vocabulary import Vocabulary

from .spelling import iso_date, near, quoted

#: Longest text that is looked at: nobody pastes more into a cell.
LONGEST = 200
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")')
_SIGNS = (
    (r"[≥⩾]|=>|>\s+=", ">="),
    (r"[≤⩽]|=<|<\s+=", "<="),
    (r"!==|[≠]|<>|!\s+=|=!|/=|~=", "!="),
    (r"={2,3}", "="),
    (r"[‐‑‒–—―−]", "-"),  # noqa: RUF001 - the dashes that word processors make
    (r"…|\.{3}", ".."),
    (r"[×]", "*"),  # noqa: RUF001
    (r"÷", "/"),
    (r"\s*&&\s*|\s*&\s*|\s+AND\s+|\s+And\s+|\s+und\s+", " and "),
    (r"\s*\|\|\s*|\s+OR\s+|\s+Or\s+|\s+oder\s+", " or "),
    (r"\s*;\s*|\s*\|\s*", ", "),
    (r"[$€£]\s*(?=\d)|(?<=\d)\s*[$€£]", ""),
)  # fmt: skip
_MORE = r"(?:is\s+)?(?:greater|more|higher|larger|bigger)\s+than"
_LESS = r"(?:is\s+)?(?:less|lower|smaller|fewer)\s+than"
_WORDS = (
    (rf"{_MORE}\s+or\s+equals?(?:\s+to)?\s+|at\s+least\s+|min\.?\s+", ">= "),
    (rf"{_LESS}\s+or\s+equals?(?:\s+to)?\s+|at\s+most\s+|max\.?\s+|up\s+to\s+", "<= "),
    (rf"{_MORE}\s+|above\s+|over\s+", "> "),
    (rf"{_LESS}\s+|below\s+|under\s+", "< "),
    (r"(?:is\s+)?not\s+equal(?:s)?(?:\s+to)?\s+", "!= "),
    (r"(?:is\s+)?equal(?:s)?(?:\s+to)?\s+", "= "),
)  # fmt: skip
_NUMBER = r"-?(?:\d+(?:\.\d+)?|\.\d+)"
_END = r"[^\s,\[\]()]+(?:\([^()]*\))?"
_RELATION = r"(<=|>=|<|>|=|!=)"
#: A condition that gives what it is, and a string before `or`.
_IF = re.compile(r"if\s+(.+?)\s+then\s+true\s+else\s+false", re.IGNORECASE)
_EITHER = re.compile(r'("(?:[^"\\]|\\.)*")\s+(?:or|OR|Or|\|\|?)\s+(?=")')
#: Words that make one value with `not` before them.
_NOT_THERE = frozenset({"applicable", "available", "set", "started", "found", "known", "given", "specified", "yet"})
_PLAIN_WORDS = re.compile(r"[^\W\d]\w*(?:[ \-/][\w.]+)*")


def fixed(text: str, kind: str | None, known: Iterable[str], vocabulary: Vocabulary, *, is_cell: bool) -> str:
    """A text that parses, for one that does not; "" where it is not clear what was meant.

    `kind` is that of the column's values, `known` the names that the expression may use, `is_cell` tells whether it is
    an input entry.
    """
    if len(text) > LONGEST:
        return ""
    for candidate in _candidates(text, kind, list(known), is_cell):
        if candidate and candidate != text and _parses(candidate, vocabulary, is_cell):
            return candidate
    return ""


def _parses(text: str, vocabulary: Vocabulary, is_cell: bool) -> bool:
    trial = Vocabulary(
        vocabulary.names, vocabulary.members, vocabulary.types, vocabulary.type_names, dialect=vocabulary.dialect
    )
    parse: Callable[..., object] = parse_unary_tests if is_cell else parse_expression
    try:
        parse(text, trial, Place())
    except (FeelSyntaxError, RecursionError):
        return False
    return not trial.free


def _candidates(text: str, kind: str | None, known: list[str], is_cell: bool) -> Iterable[str]:
    text = html.unescape(text)
    yield text
    bare = _outside_strings(text, lambda part: re.sub(r"\s+", " ", part))
    if is_cell and (found := _IF.fullmatch(bare)):
        yield from _candidates(found[1], kind, known, is_cell)
    if bare in ("-", "", "–", "—", "−", "--") and not is_cell:  # noqa: RUF001
        yield "null"
    if bare.startswith("=") and not is_cell:
        yield bare.lstrip("= ")
    yield from _dates_and_numbers(bare, is_cell)
    unquoted = _quotes(bare)
    if is_cell:
        yield _EITHER.sub(r"\1, ", unquoted)
    if unquoted != bare:
        yield unquoted
    if bare in ("*", "–", "—", "−", "--", "ANY") and is_cell:  # noqa: RUF001
        yield "-"
    signs = _outside_strings(unquoted, _with_signs)
    if is_cell:
        yield from _shapes(signs)
    yield signs
    numbers = _outside_strings(signs, _with_numbers)
    yield numbers
    yield _without_commas(numbers)
    if is_cell:
        for one in (numbers, _without_commas(numbers), _outside_strings(numbers, _with_words)):
            for shaped in (one, *_shapes(one)):
                yield shaped
                yield _with_functions(shaped, known)
    yield _with_functions(numbers, known)
    for ending in (")", "]", '"', '")'):
        yield numbers + ending
    if numbers.count('"') == 1 and numbers.endswith('"'):
        yield f'"{numbers}'
    yield from _words(numbers, kind, is_cell)


def _outside_strings(text: str, change: Callable[[str], str]) -> str:
    """A text, changed where no string stands."""
    pieces = _STRING.split(text)
    return "".join(piece if index % 2 else change(piece) for index, piece in enumerate(pieces)).strip()


def _quotes(text: str) -> str:
    """Typographic and single quotes as FEEL's."""
    text = re.sub(r"[“”„‟«»″＂]", '"', text)  # noqa: RUF001
    return _outside_strings(text, lambda part: re.sub(r"[‘’‚‹›'´`]([^‘’‚‹›'´`\"]*)[‘’‚‹›'´`]", r'"\1"', part))  # noqa: RUF001


def _with_signs(text: str) -> str:
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    return text


def _with_words(text: str) -> str:
    for pattern, sign in _WORDS:
        text = re.sub(pattern, sign, text, flags=re.IGNORECASE)
    return text


def _with_numbers(text: str) -> str:
    text = re.sub(rf"({_NUMBER})\s*%", lambda found: number_text(Decimal(found[1]) / 100), text)
    text = re.sub(r"(?<![\d.])\d{1,3}(?:_\d{3})+(?![\d.])", lambda found: found[0].replace("_", ""), text)
    text = re.sub(r"(?<![\d.])\d{1,3}(?:['’ ]\d{3})+(?![\d])", lambda f: re.sub(r"\D", "", f[0]), text)  # noqa: RUF001
    text = re.sub(  # 1.000.000,5
        r"(?<![\d.])(\d{1,3}(?:\.\d{3}){2,}),(\d+)(?![\d.])", lambda f: f"{f[1].replace('.', '')}.{f[2]}", text
    )
    text = re.sub(r"(?<![\d.])\d{1,3}(?:\.\d{3}){2,}(?![\d.])", lambda found: found[0].replace(".", ""), text)
    text = re.sub(rf"(?<![\w.)\]])\+\s*(?={_NUMBER})", "", text)
    return re.sub(r"(?<![\d.])(\d+)\.(?![\d.])", r"\1", text)


def _without_commas(text: str) -> str:
    """A text without commas beside which nothing stands."""
    return re.sub(r"^\s*,\s*|\s*,\s*$", "", re.sub(r",(?:\s*,)+", ",", text))


def _dates_and_numbers(text: str, is_cell: bool) -> Iterable[str]:
    """A date, or a number with a comma, as a whole or behind a relation."""
    found = re.fullmatch(rf"{_RELATION}?\s*(\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}})", text)
    if found and (day := iso_date(found[2])):
        yield f'{found[1]} date("{day}")' if found[1] else f'date("{day}")'
    found = re.fullmatch(rf"{_RELATION}?\s*(\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?\S*)", text)
    if found:
        yield f'{found[1] or ""} date and time("{found[2]}")'.strip()
    if re.fullmatch(r"-?\d+,\d+", text) and not is_cell:
        yield text.replace(",", ".")
    found = re.fullmatch(r"(.*)@\"([^\"]*)\"", text)
    if found and (day := iso_date(found[2])):
        yield f'{found[1]}@"{day}"'
    found = re.fullmatch(r"([\[(\]])\s*(\d+,\d+|\d+)\s*(?:\.\.|-|;)\s*(\d+,\d+|\d+)\s*([\])\[])", text)
    if found and "," in text:
        yield f"{found[1]}{found[2]}..{found[3]}{found[4]}".replace(",", ".")


def _shapes(text: str) -> Iterable[str]:
    """What a whole cell of one of the known shapes was meant to be."""
    for pattern, meant in _SHAPES:
        if found := pattern.fullmatch(text):
            yield meant(found)
    if re.search(r"\s+or\s+", text):
        yield re.sub(r"\s+or\s+", ", ", text)


def _range(one: str, low: str, other: str, high: str) -> str:
    if one[0] == "<" and other[0] == ">":
        one, low, other, high = other, high, one, low
    if one[0] != ">" or other[0] != "<":
        return ""
    return f"{'[' if '=' in one else '('}{low.strip()}..{high.strip()}{']' if '=' in other else ')'}"


def _with_functions(text: str, known: list[str]) -> str:
    """A text with the nearest known functions in the place of unknown ones."""
    names = [*BUILTINS, *known]

    def replaced(found: re.Match[str]) -> str:
        name = " ".join(found[1].split())
        if name in names or name in ("not", "and", "or", "if", "in", "then", "else", "return", "function"):
            return found[0]
        other = _OTHER_NAMES.get(name.casefold()) or near(name, names)
        return f"{other}(" if other else found[0]

    return _outside_strings(text, lambda part: re.sub(r"([^\W\d]\w*(?: [^\W\d]\w*)*)\s*\(", replaced, part))


#: What functions are called elsewhere.
_OTHER_NAMES = {
    "len": "string length", "length": "string length", "size": "count", "avg": "mean", "average": "mean",
    "tolower": "lower case", "toupper": "upper case", "lower": "lower case", "upper": "upper case",
    "todate": "date", "datetime": "date and time", "startswith": "starts with", "endswith": "ends with",
    "includes": "contains", "regex": "matches", "ceil": "ceiling", "pow": "power", "indexof": "index of",
}  # fmt: skip


def _words(text: str, kind: str | None, is_cell: bool) -> Iterable[str]:
    """Words without quotes."""
    if kind in (None, "string"):
        excluded = re.fullmatch(r"not\s+(\w+)", text) if is_cell else None
        if excluded and excluded[1] not in _NOT_THERE:
            yield f"not({quoted(excluded[1])})"
        pieces = [piece.strip() for piece in (re.split(r",|\s+or\s+", text) if is_cell else text.split(","))]
        if all(_PLAIN_WORDS.fullmatch(piece) or _STRING.fullmatch(piece) for piece in pieces):
            yield ", ".join(piece if piece.startswith('"') else quoted(piece) for piece in pieces)
        if (found := re.fullmatch(rf"{_RELATION}\s*(.+)", text)) and _PLAIN_WORDS.fullmatch(found[2]):
            yield quoted(found[2]) if found[1] == "=" else f"{found[1]} {quoted(found[2])}"
        if (found := re.fullmatch(r"not\s*\(?\s*([^()]+?)\s*\)?", text)) and _PLAIN_WORDS.fullmatch(found[1]):
            yield f"not({quoted(found[1])})"


def _low(found: re.Match[str]) -> str:
    return f"{'>' if found[1] in ('(', ']') else '>='} {found[2]}"


def _high(found: re.Match[str]) -> str:
    return f"{'<' if found[2] in (')', '[') else '<='} {found[1]}"


def _negated(found: re.Match[str]) -> str:
    inner = found[1].strip()
    return f"not({inner[1:-1] if inner.startswith('(') and inner.endswith(')') else inner})"


_ENDS = f"({_NUMBER}|{_END})"
_BOUND = r"([^<>=!,]+?)"
_SUBJECT = r"(?:\?|[^\W\d]\w*)?\s*"
_TWO = rf"{_SUBJECT}{_RELATION}\s*{_BOUND}\s+(?:and|but)\s+{_SUBJECT}{_RELATION}\s*{_BOUND}"
_ANYTHING = r"(?:[-+]?∞|[-+]?inf\w*|\*)?"
_SHAPES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), meant)
    for pattern, meant in (
        (rf"between\s+{_ENDS}\s+and\s+{_ENDS}", lambda found: f"[{found[1]}..{found[2]}]"),
        (rf"(?:from\s+)?{_ENDS}\s+(?:to|bis|until|till)\s+{_ENDS}", lambda found: f"[{found[1]}..{found[2]}]"),
        (rf"({_NUMBER})\s*\.\.\s*({_NUMBER})", lambda found: f"[{found[1]}..{found[2]}]"),
        (rf"{_ENDS}\s*\.\.\s*{_ENDS}", lambda found: f"[{found[1]}..{found[2]}]"),
        (rf"({_NUMBER})\s+-\s+({_NUMBER})", lambda found: f"[{found[1]}..{found[2]}]"),
        (_TWO, lambda found: _range(found[1], found[2], found[3], found[4])),
        (_TWO, lambda found: f"? {found[1]} {found[2]} and ? {found[3]} {found[4]}"),
        (
            rf"{_BOUND}\s*(<=?)\s*(?:\?|[^\W\d]\w*)\s*(<=?)\s*{_BOUND}",
            lambda found: _range(">" + found[2][1:], found[1], found[3], found[4]),
        ),
        (
            rf"{_RELATION}\s*{_BOUND}\s*{_RELATION}\s*{_BOUND}",
            lambda found: _range(found[1], found[2], found[3], found[4]),
        ),
        (
            r"([\[(\]])\s*([^,;]+?)\s*[,;-]\s*([^,;]+?)\s*([\])\[])",
            lambda found: f"{found[1]}{found[2]}..{found[3]}{found[4]}",
        ),
        (rf"[\[(\]]?\s*{_ANYTHING}\s*\.\.\s*({_NUMBER})\s*([\])\[])?", _high),
        (rf"([\[(\]])?\s*({_NUMBER})\s*\.\.\s*{_ANYTHING}\s*[\])\[]?", _low),
        (rf"({_NUMBER})\s*\+", lambda found: f">= {found[1]}"),
        (rf"({_NUMBER})\s+(?:and|or)\s+(?:above|over|more|higher|up)", lambda found: f">= {found[1]}"),
        (rf"({_NUMBER})\s+(?:and|or)\s+(?:below|under|less|lower|fewer)", lambda found: f"<= {found[1]}"),
        (r"\{(.*)\}", lambda found: found[1].strip()),
        (r"not\s+in\s*[(\[{](.*)[)\]}]", lambda found: f"not({found[1].strip()})"),
        (r"in\s*([\[(\]].*\.\..*[\])\[])", lambda found: found[1].strip()),
        (r"in\s*[(\[{](.*)[)\]}]", lambda found: found[1].strip()),
        (r"(?:is\s+not|not|!(?!=))\s*(.+)", _negated),
        (r"is\s+(.+)", lambda found: found[1]),
        (r"(contains|starts with|ends with|matches)\s*(\"[^\"]*\")", lambda found: f"{found[1]}(?, {found[2]})"),
    )
)
