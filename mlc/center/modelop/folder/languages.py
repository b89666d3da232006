"""In which language a model is written, by its files, and the sentence for a folder that is no model."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath

from mlc.center.modelop.folder.sentences import shown
from mlc.center.modelop.ordinary import opened

PYTHON = "PYTHON"
SPARK = "PYSPARK"
PYTHON_ENDINGS = (".py", ".py3")
_BY_ENDING = {
    ".r": "R",
    ".pmml": "PMML",
    ".pfa": "PFA",
    ".ppfa": "PFA",
    ".sas": "SAS",
    ".c": "C",
    ".cpp": "C++",
    ".java": "JAVA",
    ".jar": "JAVA",
    ".scala": "SCALA",
    ".jl": "JULIA",
    ".m": "MATLAB",
    ".go": "GO",
}
_NOTEBOOK = ".ipynb"
_R_FUNCTION = re.compile(r"^\s*([A-Za-z.][\w.]*)\s*(?:<-|=)\s*function\s*\(")
_R_MARKER = re.compile(r"^\s*#\s*(?:modelop|fastscore)\.(init|score|metrics|train)\s*$")
SUPPORTED = (
    "Supported is Python source (.py or .py3) in which # modelop.score, .metrics, .train or .init stands above a def."
)
_BEGINNING = 4096


def is_python(name: str) -> bool:
    return PurePath(name.lower()).suffix in PYTHON_ENDINGS


def language_of(name: str, path: Path) -> str | None:
    """The language of a file that is a model by itself, as ModelOp's model types are called; None if it is none."""
    ending = PurePath(name.lower()).suffix
    if ending in {".xml", ".json"} and b"<PMML" in _beginning(path):
        return "PMML"
    return _BY_ENDING.get(ending)


def looks_like_r(text: str) -> bool:
    """Whether a text that is no Python has R's functions."""
    return any(_R_FUNCTION.match(line) and "<-" in line for line in text.splitlines())


def r_functions(text: str) -> dict[str, str]:
    """Role -> name of the functions of an R source, by the markers above them."""
    found: dict[str, str] = {}
    waiting = ""
    for line in text.splitlines():
        if marker := _R_MARKER.match(line):
            waiting = marker[1]
        elif waiting and (function := _R_FUNCTION.match(line)):
            found.setdefault(waiting, function[1])
            waiting = ""
    return found


def no_source(folder: Path, names: Iterable[str], weights: Collection[str]) -> str:
    """Why a folder without a source can't be a model, by what it holds instead."""
    notebooks = [name for name in names if PurePath(name.lower()).suffix == _NOTEBOOK]
    if notebooks:
        what = f"{_listed(notebooks)}: a notebook is not run; put its functions into a .py file and mark them"
    elif weights:
        what = f"{_listed(weights)} are weights, and nothing says how to use them; add the source that loads them"
    else:
        what = "there is no source at all"
    return f"{shown(folder)} holds no model: {what}. {SUPPORTED}"


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


def _beginning(path: Path) -> bytes:
    try:
        with opened(path) as file:
            return file.read(_BEGINNING)
    except OSError:
        return b""
