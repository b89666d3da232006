"""What a folder's files say and are called, as a sentence about them can repeat it."""

import json
import os
import unicodedata

LONGEST = 300
MOST = 100
"""Sentences of a kind that are said of one folder."""
LONGEST_NAME = 200
"""Characters of a model's name and of a tag: they stand in search attributes and addresses."""


def shown(given: object, longest: int = LONGEST) -> str:
    """A text, a path or any other value: short, and without what can't be printed or written in UTF-8."""
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    if not isinstance(given, str):
        try:
            given = json.dumps(given)
        except (TypeError, ValueError, RecursionError):
            given = type(given).__name__
    beginning = given[: longest + 1]
    try:
        text = beginning.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character, which no name in another encoding has
        text = beginning.encode("utf-8", "backslashreplace").decode()
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(given) <= longest else f"{text[:longest]}..."


def unfit(name: str) -> str:
    """Why a model or a tag can't be called so, as the end of a sentence; empty if it can."""
    if len(name) > LONGEST_NAME:
        return f"has more than {LONGEST_NAME} characters; shorten it."
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in name):
        return "holds characters that not every system can hold; write another."
    return ""


def first_of(sentences: list[str], what: str) -> list[str]:
    """The first sentences, and one that counts the others."""
    more = len(sentences) - MOST
    return [*sentences[:MOST], f"There are {more} {what} more."] if more > 0 else sentences
