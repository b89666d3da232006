"""The XML of a DMN file, read so that a hostile one does no harm: size, DOCTYPE and depth are looked at first."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring, iterparse  # type: ignore[import-untyped]

from .errors import DmnError, Kind, Place, Problem

#: Elements inside of elements. Real files have some 20.
DEPTH = 200
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
            f"the file has more than the {max_bytes:,} bytes that are read; raise max_bytes if it is to be trusted"
        )
        raise DmnError(Problem(Kind.HOSTILE, message, place))
    return data


def parse(data: bytes, place: Place) -> Element:
    """The root element. Raises DmnError when it cannot be read."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        message = "the file has a DOCTYPE, which DMN does not need: remove it"
        raise DmnError(Problem(Kind.HOSTILE, message, place)) from None
    except (ParseError, ValueError, LookupError) as error:
        raise DmnError(Problem(Kind.NOT_DMN, f"the file is not well-formed XML: {error}", place)) from None
    if depth_of(root) > DEPTH:
        raise DmnError(Problem(Kind.HOSTILE, f"elements are nested more than {DEPTH} deep", place))
    return root


def root_of(path: Path) -> Element | None:
    """The root element of a file, without what is in it; None when the file has no such beginning."""
    try:
        with path.open("rb") as file:
            _, root = next(iter(iterparse(BytesIO(file.read(HEAD)), events=("start",), forbid_dtd=True)))
    except (DefusedXmlException, ParseError, ValueError, LookupError, OSError, StopIteration):
        return None
    found: Element = root
    return found


def depth_of(root: Element) -> int:
    """How deep elements are nested, or one more than the limit when they are deeper than that."""
    level, depth = [root], 0
    while level and depth <= DEPTH:
        level = [child for element in level if len(element) for child in element]
        depth += 1
    return depth


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its local name: `inputVariable` finds `camunda:inputVariable`."""
    value = element.get(name)
    if value is None:
        value = next((value for key, value in element.items() if key.rpartition("}")[2] == name), None)
    return value


def children(element: Element, *names: str) -> Iterator[Element]:
    """The children of these names."""
    return (child for child in element if local(child) in names)


def child_of(element: Element, *names: str) -> Element | None:
    """The first child of these names."""
    return next(children(element, *names), None)


def squeezed(name: str | None) -> str:
    """A name with single spaces."""
    return " ".join((name or "").split())
