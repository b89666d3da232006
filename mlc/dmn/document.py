"""The XML of a DMN file, read so that a hostile one does no harm: size, DOCTYPE and depth are looked at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .errors import DmnError, Kind, Place, Problem
from .markup import DEPTH, DepthError, DoctypeError, Element, MarkupError, first_tag, tree

#: Bytes of a file in which its root element must begin, for `root_of`.
HEAD = 64 * 1024


def content(source: str | Path | bytes, place: Place, max_bytes: int) -> bytes:
    """The bytes of a file. Raises DmnError when there are too many of them, OSError as `open` does."""
    if isinstance(source, bytes):
        data = source
    else:
        with Path(source).open("rb") as file:
            data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        message = (
            f"the file has more than the {max_bytes:,} bytes that are read;"
            " raise max_bytes, --max-bytes of a command, if it is to be trusted"
        )
        raise DmnError(Problem(Kind.HOSTILE, message, place))
    return data


def parse(data: bytes, place: Place) -> Element:
    """The root element. Raises DmnError when it cannot be read."""
    try:
        return tree(data)
    except DepthError as error:
        problem = Problem(Kind.HOSTILE, f"elements are nested more than {DEPTH} deep", place.at(line=error.line))
    except DoctypeError as error:
        message = "the file has a DOCTYPE, which DMN does not need: remove it"
        problem = Problem(Kind.HOSTILE, message, place.at(line=error.line))
    except MarkupError as error:
        problem = Problem(Kind.NOT_DMN, f"the file is not well-formed XML: {error}", place.at(line=error.line))
    raise DmnError(problem)


def root_of(path: Path) -> Element | None:
    """The root element of a file, without what is in it; None when the file has no such beginning."""
    try:
        with path.open("rb") as file:
            return first_tag(file.read(HEAD))
    except (DoctypeError, MarkupError, OSError):
        return None


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its local name: `inputVariable` finds `camunda:inputVariable`."""
    value = element.get(name)
    if value is None:
        found = (value for key, value in element.attributes.items() if key.rpartition("}")[2] == name)
        value = next(found, None)
    return value


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these names."""
    return (child for child in element.children if child.name in names)


def child_of(element: Element, *names: str) -> Element | None:
    """The first child of these names."""
    return next(children(element, *names), None)


def squeezed(name: str | None) -> str:
    """A name with single spaces."""
    return " ".join((name or "").split())
