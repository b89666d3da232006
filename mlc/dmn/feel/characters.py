"""The classes of characters that patterns name: escapes, Unicode categories and blocks, as ranges of code points.

XML Schema, part 2, appendix G (the specification's patterns are those of XPath's `fn:matches`: DMN 1.5, 10.3.4.3).
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterable

from mlc.dmn.errors import FeelError

#: Inclusive ranges, in ascending order and apart from each other.
Ranges = tuple[tuple[int, int], ...]

LAST = sys.maxunicode
SPACE: Ranges = ((9, 10), (13, 13), (32, 32))
_NAME_START = ((0x3A, 0x3A), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF),
               (0x370, 0x37D), (0x37F, 0x1FFF), (0x200C, 0x200D), (0x2070, 0x218F), (0x2C00, 0x2FEF),
               (0x3001, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF))  # fmt: skip
_NAME_MORE = ((0x2D, 0x2E), (0x30, 0x39), (0xB7, 0xB7), (0x300, 0x36F), (0x203F, 0x2040))
CATEGORIES = frozenset(re.findall("[A-Z][a-z]?", "LLuLlLtLmLoMMnMcMeNNdNlNoPPcPdPsPePiPfPoZZsZlZpSSmScSkSoCCcCfCoCn"))
#: First and last code point of the blocks that patterns are likely to name; spaces, `-` and `_` do not count.
_BLOCKS = {
    "BasicLatin": (0x0000, 0x007F), "Latin1Supplement": (0x0080, 0x00FF), "LatinExtendedA": (0x0100, 0x017F),
    "LatinExtendedB": (0x0180, 0x024F), "IPAExtensions": (0x0250, 0x02AF),
    "SpacingModifierLetters": (0x02B0, 0x02FF), "CombiningDiacriticalMarks": (0x0300, 0x036F),
    "Greek": (0x0370, 0x03FF), "GreekandCoptic": (0x0370, 0x03FF), "Cyrillic": (0x0400, 0x04FF),
    "CyrillicSupplement": (0x0500, 0x052F), "Armenian": (0x0530, 0x058F), "Hebrew": (0x0590, 0x05FF),
    "Arabic": (0x0600, 0x06FF), "Syriac": (0x0700, 0x074F), "Thaana": (0x0780, 0x07BF),
    "Devanagari": (0x0900, 0x097F), "Bengali": (0x0980, 0x09FF), "Gurmukhi": (0x0A00, 0x0A7F),
    "Gujarati": (0x0A80, 0x0AFF), "Oriya": (0x0B00, 0x0B7F), "Tamil": (0x0B80, 0x0BFF),
    "Telugu": (0x0C00, 0x0C7F), "Kannada": (0x0C80, 0x0CFF), "Malayalam": (0x0D00, 0x0D7F),
    "Sinhala": (0x0D80, 0x0DFF), "Thai": (0x0E00, 0x0E7F), "Lao": (0x0E80, 0x0EFF), "Tibetan": (0x0F00, 0x0FFF),
    "Myanmar": (0x1000, 0x109F), "Georgian": (0x10A0, 0x10FF), "HangulJamo": (0x1100, 0x11FF),
    "Ethiopic": (0x1200, 0x137F), "Cherokee": (0x13A0, 0x13FF), "Ogham": (0x1680, 0x169F), "Runic": (0x16A0, 0x16FF),
    "Khmer": (0x1780, 0x17FF), "Mongolian": (0x1800, 0x18AF), "LatinExtendedAdditional": (0x1E00, 0x1EFF),
    "GreekExtended": (0x1F00, 0x1FFF), "GeneralPunctuation": (0x2000, 0x206F),
    "SuperscriptsandSubscripts": (0x2070, 0x209F), "CurrencySymbols": (0x20A0, 0x20CF),
    "CombiningMarksforSymbols": (0x20D0, 0x20FF), "LetterlikeSymbols": (0x2100, 0x214F),
    "NumberForms": (0x2150, 0x218F), "Arrows": (0x2190, 0x21FF), "MathematicalOperators": (0x2200, 0x22FF),
    "MiscellaneousTechnical": (0x2300, 0x23FF), "ControlPictures": (0x2400, 0x243F),
    "EnclosedAlphanumerics": (0x2460, 0x24FF), "BoxDrawing": (0x2500, 0x257F), "BlockElements": (0x2580, 0x259F),
    "GeometricShapes": (0x25A0, 0x25FF), "MiscellaneousSymbols": (0x2600, 0x26FF), "Dingbats": (0x2700, 0x27BF),
    "BraillePatterns": (0x2800, 0x28FF), "CJKRadicalsSupplement": (0x2E80, 0x2EFF),
    "CJKSymbolsandPunctuation": (0x3000, 0x303F), "Hiragana": (0x3040, 0x309F), "Katakana": (0x30A0, 0x30FF),
    "Bopomofo": (0x3100, 0x312F), "HangulCompatibilityJamo": (0x3130, 0x318F),
    "CJKUnifiedIdeographs": (0x4E00, 0x9FFF), "HangulSyllables": (0xAC00, 0xD7AF), "PrivateUse": (0xE000, 0xF8FF),
    "CJKCompatibilityIdeographs": (0xF900, 0xFAFF), "AlphabeticPresentationForms": (0xFB00, 0xFB4F),
    "HalfwidthandFullwidthForms": (0xFF00, 0xFFEF), "MathematicalAlphanumericSymbols": (0x1D400, 0x1D7FF),
    "Emoticons": (0x1F600, 0x1F64F),
}  # fmt: skip


def joined(parts: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges of any order as a class."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(parts):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def inverted(ranges: Ranges) -> Ranges:
    """Every character that is not in a class."""
    edges = [-1, *(edge for low, high in ranges for edge in (low, high)), LAST + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((before + 1, after - 1) for before, after in gaps if before + 1 < after)


def without(ranges: Ranges, others: Ranges) -> Ranges:
    """The characters of one class that are not in another."""
    return inverted(joined((*inverted(ranges), *others)))


def folded(ranges: Ranges) -> Ranges:
    """A class with the other case of its letters; of a very large class as it is, for it has both cases already."""
    if sum(high - low for low, high in ranges) > 5_000:
        return ranges
    letters = (chr(code) for low, high in ranges for code in range(low, high + 1))
    others = {other for letter in letters for other in (letter.lower(), letter.upper(), letter.casefold())}
    return joined((*ranges, *((ord(other), ord(other)) for other in others if len(other) == 1)))


def block(name: str) -> Ranges:
    """The characters of a Unicode block. Raises FeelError for one that is not known."""
    wanted = _plain(name)
    found = next((limits for known, limits in _BLOCKS.items() if _plain(known) == wanted), None)
    if found is None:
        raise FeelError(f'the block of characters "{name}" is not known')
    return (found,)


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def category(name: str) -> Ranges:
    """The characters of a Unicode general category."""
    return joined(part for known, parts in _categories().items() if known.startswith(name) for part in parts)


@functools.cache
def _categories() -> dict[str, list[tuple[int, int]]]:
    """All categories, in one pass over all characters; only a class that is subtracted from needs it."""
    found: dict[str, list[tuple[int, int]]] = {}
    first, last = 0, unicodedata.category("\0")
    for code in range(1, LAST + 1):
        name = unicodedata.category(chr(code))
        if name != last:
            found.setdefault(last, []).append((first, code - 1))
            first, last = code, name
    found.setdefault(last, []).append((first, LAST))
    return found


#: The characters that a name of XML begins with, and those that it consists of.
NAME_START = joined(_NAME_START)
NAME = joined(_NAME_START + _NAME_MORE)
