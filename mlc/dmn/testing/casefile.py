"""Files of cases: where they are, and in what format."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from .case import Case, CasesError
from .csvcases import csv_cases
from .interface import Interface
from .jsoncases import json_cases

#: What stands behind the name of a model's file, without `.dmn`, in that of its cases.
SUFFIXES = (".cases.json", ".cases.jsonl", ".cases.csv")
#: What messages call the cases of standard input.
STDIN = "stdin"
#: Characters in which a text without a file's name has to begin.
MOST_SPACE = 1_000


def beside(model: Path) -> list[Path]:
    """The files of cases that stand beside a model: `thresholds.cases.csv` and the like."""
    return [path for suffix in SUFFIXES if (path := model.with_name(model.stem + suffix)).is_file()]


def cases_in(source: Path | BinaryIO, interface: Interface) -> Iterator[Case]:
    """The cases of a file, or of a stream, one by one.

    The format is that of the file's name; of any other name, and of a stream, it is JSON if the text begins so. Raises
    CasesError when the file can be read no further.
    """
    if not isinstance(source, Path):
        yield from _read(source, STDIN, "", interface)
        return
    try:
        with source.open("rb") as binary:
            yield from _read(binary, source.name, source.suffix.lower(), interface)
    except OSError as error:
        raise CasesError(f"{source}: {error.strerror}") from None


def _read(binary: BinaryIO, name: str, suffix: str, interface: Interface) -> Iterator[Case]:
    stream = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
    try:
        head = "" if suffix in (".json", ".jsonl", ".csv") else _head(stream)
        if suffix in (".json", ".jsonl") or head.lstrip()[:1] in ("[", "{"):
            yield from json_cases(stream, name, head)
        else:
            yield from csv_cases(stream, name, interface, head)
    except UnicodeDecodeError:
        raise CasesError(f"{name} is not written in UTF-8: save it as that (CSV UTF-8)") from None
    finally:
        stream.detach()  # it is not this wrapper's to close


def _head(stream: TextIO) -> str:
    """The beginning of a text, up to the first character that is no space."""
    head = ""
    while len(head) < MOST_SPACE and (read := stream.read(1)):
        head += read
        if not read.isspace():
            break
    return head
