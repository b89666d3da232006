"""The JSON files of a model folder, read as strictly as whoever gets them next: the centre, runtimes, other readers."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from mlc.center.modelop.folder.sentences import shown
from mlc.center.modelop.ordinary import content
from mlc.model.failure import MlcError

LARGEST = 1_000_000
"""Bytes of a JSON file that says something of a model. Data are not read here, however long."""
DEEPEST = 50
"""Levels of lists and objects within each other."""
_DIGITS = 308
"""Of the longest whole number that other readers take for one."""


class BadModelFolder(MlcError, ValueError):
    """A folder can't be read as a model. The text is a sentence for each problem, which names the file."""


class _Unwritable(MlcError):
    """A value that Python's reader makes, and others can't hold. The text ends a sentence."""


def json_of(file: Path, name: str, advice: str) -> Any:
    """What a JSON file holds.

    Raises:
        BadModelFolder: it can't be read; the text says where and what to do.
        OSError: it is gone, or no file any more.
    """
    held = content(file, LARGEST)
    if held is None:
        raise BadModelFolder(f"{name} is larger than {LARGEST // 1_000_000} MB; leave data out of it.")
    try:
        value = json.loads(
            held, parse_int=_whole, parse_float=_finite, parse_constant=_constant, object_pairs_hook=_once
        )
        if _deeper(value):
            raise RecursionError
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise BadModelFolder(f"{name}, line {error.lineno}: {error.msg}; {advice}.") from error
    except _Unwritable as error:
        raise BadModelFolder(f"{name} {error}.") from None
    except RecursionError:
        raise BadModelFolder(f"{name} is nested more than {DEEPEST} levels deep; write it flatter.") from None
    except UnicodeEncodeError:
        raise BadModelFolder(f"{name} holds half a character (\\ud800 to \\udfff); write the whole one.") from None
    except ValueError as error:
        raise BadModelFolder(f"{name} can't be read as JSON; save it as UTF-8.") from error
    return value


def _deeper(value: Any) -> bool:
    """Whether it is nested too deeply. Looked at without going as deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        within = (each for holder in level for each in (holder.values() if isinstance(holder, dict) else holder))
        level = [each for each in within if isinstance(each, dict | list)]
    return bool(level)


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise _Unwritable(f"holds a number of {len(digits)} digits; write a shorter one, or a text")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Unwritable(f"holds the number {shown(digits, 20)}, which is beyond what JSON's readers take")
    return number


def _constant(name: str) -> Any:
    raise _Unwritable(f"holds {name}, which is no JSON; write a number, a text or null")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise _Unwritable(f"gives {shown(twice, 60)!r} twice in one object; keep one of them")
    return made
