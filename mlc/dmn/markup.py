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
    """An element. `tag` is `namespace}name`, or a name alone, and `name` what it ends with.

    `line` is the one that its start tag begins on. `text` stands in front of its first child, and `tail`
    behind the element, in front of what follows it there.
    """

    __slots__ = ("attributes", "children", "line", "name", "tag", "tail", "text")

    def __init__(self, tag: str, name: str, attributes: dict[str, str], line: int) -> None:
        self.tag = tag
        self.name = name
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


class _FoundError(Exception):
    pass


def tree(data: bytes) -> Element:
    """The root element of a file. Raises DoctypeError, DepthError and MarkupError."""
    parser = _parser()
    top = Element("", "", {}, 0)
    above = [top]  # where the parser is, from the outermost element inwards
    texts: list[str] = []  # since the last tag
    names: dict[str, str] = {}

    # Hundreds of thousands of calls for a large file: local names, and no further calls but for what is rare.
    def start(tag: str, attributes: dict[str, str]) -> None:
        parent = above[-1]
        children = parent.children
        if texts:
            text = texts[0] if len(texts) == 1 else "".join(texts)
            texts.clear()
            if children:
                children[-1].tail = text
            else:
                parent.text = text
        name = names.get(tag)
        if name is None:
            name = names[tag] = tag.rpartition("}")[2]
        element = Element(tag, name, attributes, parser.CurrentLineNumber)
        if children:
            children.append(element)
        else:
            parent.children = [element]
            if len(above) > DEPTH:
                raise DepthError(element.line)
        above.append(element)

    def end(_: str) -> None:
        element = above.pop()
        if texts:
            text = texts[0] if len(texts) == 1 else "".join(texts)
            texts.clear()
            if element.children:
                element.children[-1].tail = text
            else:
                element.text = text

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    _feed(parser, data, True)
    return next(iter(top))


def first_tag(data: bytes) -> Element:
    """The root element of the beginning of a file, without what is in it. Raises DoctypeError and MarkupError."""
    parser = _parser()
    found: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        found.append(Element(tag, tag.rpartition("}")[2], attributes, parser.CurrentLineNumber))
        raise _FoundError

    parser.StartElementHandler = start
    try:
        _feed(parser, data, False)
    except _FoundError:
        return found[0]
    raise MarkupError("no element found")


def _parser() -> expat.XMLParserType:
    """A parser that ends at a DOCTYPE."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_: object) -> int:
        raise DoctypeError(parser.CurrentLineNumber)

    # Only the first of these can ever be called, since it ends the reading.
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, data: bytes, is_final: bool) -> None:
    try:
        parser.Parse(data, is_final)
    except expat.ExpatError as error:
        raise MarkupError(str(error), error.lineno) from None
    except (ValueError, LookupError) as error:  # encodings that expat cannot read, or nobody knows
        raise MarkupError(str(error)) from None
    finally:  # handlers and parser refer to each other
        parser.StartElementHandler = parser.EndElementHandler = parser.StartDoctypeDeclHandler = None
        parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = parser.ExternalEntityRefHandler = None
