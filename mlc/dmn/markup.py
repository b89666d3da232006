"""XML to a tree of elements that know their lines, by expat itself: a DOCTYPE is refused before anything in it is read.

Without a DOCTYPE a file has no entities but the five of XML, refers to no other file, and cannot grow while it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

#: Elements inside of elements. Real files have some 20.
DEPTH = 200


class DoctypeError(Exception):
    """The file has a DOCTYPE, or something that only a DOCTYPE can bring."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class DepthError(DoctypeError):
    """Elements are nested more than `DEPTH` deep."""


class MarkupError(Exception):
    """The file is not well-formed, or in an encoding that cannot be read; `line` as far as it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Element:
    """An element. `tag` is `namespace}name`, or a name alone; `line` is the one that its start tag begins on.

    `text` stands in front of its first child, and `tail` behind the element, in front of what follows it there.
    """

    __slots__ = ("attributes", "children", "line", "tag", "tail", "text")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.line = line
        self.text = ""
        self.tail = ""
        self.children: list[Element] | tuple[()] = ()

    def __iter__(self) -> Iterator[Element]:
        return iter(self.children)

    def get(self, name: str) -> str | None:
        """An attribute, by its name with its namespace, if it has one."""
        return self.attributes.get(name)

    def whole_text(self) -> str:
        """All text inside of the element, also that of its children."""
        if not self.children:
            return self.text
        return "".join([self.text, *(child.whole_text() + child.tail for child in self.children)])


class _RootFound(Exception):
    pass


class _Reader:
    """Builds the tree. `texts` are the pieces of text since the last tag."""

    def __init__(self) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        self.above: list[Element] = []
        self.root: Element | None = None
        self.texts: list[str] = []
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.texts.append
        # Only the first of these can ever be called: it ends the reading.
        parser.StartDoctypeDeclHandler = self.refuse
        parser.EntityDeclHandler = self.refuse
        parser.UnparsedEntityDeclHandler = self.refuse
        parser.ExternalEntityRefHandler = self.refuse

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self.parser.CurrentLineNumber)
        above = self.above
        if above:
            parent = above[-1]
            if self.texts:
                self.keep_text(parent)
            if parent.children:
                parent.children.append(element)
            else:
                parent.children = [element]
                if len(above) >= DEPTH:
                    raise DepthError(element.line)
        else:
            self.root = element
        above.append(element)

    def end(self, _: str) -> None:
        element = self.above.pop()
        if self.texts:
            self.keep_text(element)

    def keep_text(self, element: Element) -> None:
        """Give the text since the last tag to the element that it stands in, or behind the last child of that."""
        texts = self.texts
        text = texts[0] if len(texts) == 1 else "".join(texts)
        texts.clear()
        if element.children:
            element.children[-1].tail = text
        else:
            element.text = text

    def refuse(self, *_: object) -> int:
        raise DoctypeError(self.parser.CurrentLineNumber)

    def read(self, data: bytes, is_final: bool) -> None:
        try:
            self.parser.Parse(data, is_final)
        except expat.ExpatError as error:
            raise MarkupError(str(error), error.lineno) from None
        except (ValueError, LookupError) as error:  # encodings that expat cannot read, or nobody knows
            raise MarkupError(str(error)) from None
        finally:  # handlers and parser refer to each other
            self.parser.StartElementHandler = self.parser.EndElementHandler = None


def tree(data: bytes) -> Element:
    """The root element of a file. Raises DoctypeError, DepthError and MarkupError."""
    reader = _Reader()
    reader.read(data, True)
    if reader.root is None:
        raise MarkupError("no element found")
    return reader.root


def first_tag(data: bytes) -> Element:
    """The root element of the beginning of a file, without what is in it. Raises DoctypeError and MarkupError."""
    reader = _Reader()
    found: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        found.append(Element(tag, attributes, reader.parser.CurrentLineNumber))
        raise _RootFound

    reader.parser.StartElementHandler = start
    try:
        reader.read(data, False)
    except _RootFound:
        return found[0]
    raise MarkupError("no element found")
