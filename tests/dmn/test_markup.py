"""The XML that is read: the same tree as any parser's, and nothing of what a DOCTYPE could do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.dmn.markup import DepthError, DoctypeError, Element, MarkupError, first_tag, tree

ENTITIES = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(25))
BOMB = f'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{ENTITIES}]><a>&z;</a>'


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE a><a/>",
        "<?xml version='1.0' standalone='yes'?><!DOCTYPE a><a/>",
        "<!-- first --><!DOCTYPE a [<!-- nothing -->]><a/>",
        BOMB,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd">%x;]><a/>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        '<!DOCTYPE a PUBLIC "x" "http://127.0.0.1:9/x.dtd"><a/>',
        '<!DOCTYPE a [<!ATTLIST a b CDATA "made up">]><a/>',
        '<!DOCTYPE a [<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "x" NDATA n>]><a/>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_ends_the_reading_before_anything_in_it_counts(text: str, encoding: str) -> None:
    start = time.process_time()
    for read in (tree, first_tag):
        with pytest.raises(DoctypeError):
            read(text.encode(encoding))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("text", ["<a>&x;</a>", '<a b="&x;"/>', "<a>&nbsp;</a>"])
def test_an_entity_that_is_none_of_xmls_own_is_refused(text: str) -> None:
    with pytest.raises(MarkupError, match="undefined entity") as caught:
        tree(text.encode())
    assert caught.value.line == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"text",
        b"<a>\xff</a>",
        b"<a>\x00</a>",
        b"<p:a/>",
        b'<a b="1" b="2"/>',
        b"<a>&#0;</a>",
        b"<a>]]></a>",
        b"\xff\xfe<\x00a\x00",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<?xml version="1.0" encoding="utf-32"?><a/>',
        b'<?xml version="1.0" encoding="shift_jis"?><a/>',
        b'<?xml version="1.0" encoding="rot13"?><a/>',
        b'<?xml version="1.0" encoding="zlib"?><a/>',
    ],
)
def test_what_is_not_well_formed_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(MarkupError):
        tree(data)


def test_depth_is_counted_while_the_file_is_read() -> None:
    assert tree(b"<a>" * 200 + b"</a>" * 200).children
    with pytest.raises(DepthError) as caught:
        tree(b"<a>\n" * 201 + b"</a>" * 201)
    assert caught.value.line == 201
    with pytest.raises(DepthError):
        tree(b"<a><b/>" * 300_000)  # never closed, and never read to its end


def test_text_in_many_pieces_is_put_together_in_linear_time() -> None:
    start = time.process_time()
    root = tree(b"<a>" + b"x<!-- -->" * 200_000 + b"</a>")
    assert root.text == "x" * 200_000
    assert time.process_time() - start < 5


def test_the_beginning_of_a_file_is_enough_for_its_first_tag() -> None:
    root = first_tag(b'<?xml version="1.0"?>\n<d:definitions xmlns:d="urn:d" namespace="n"><d:decision')
    assert (root.tag, root.get("namespace"), root.line) == ("urn:d}definitions", "n", 2)
    with pytest.raises(MarkupError):
        first_tag(b"<!-- no element")


def shape(element: Element) -> tuple[object, ...]:
    attributes = {key.lstrip("{"): value for key, value in element.attributes.items()}
    return element.tag, attributes, element.text, element.tail, [shape(child) for child in element]


def reference(element: ElementTree.Element) -> tuple[object, ...]:
    attributes = {key.lstrip("{"): value for key, value in element.items()}
    children = [reference(child) for child in element]
    return element.tag.lstrip("{"), attributes, element.text or "", element.tail or "", children


TEXTS = st.sampled_from(
    ["", " ", "\n", "x", "&lt;&amp;&#233;", "<![CDATA[<a>&]]>", "a<!-- b -->c", "<?p i?>", "é\r\nü"]
)


def nodes() -> st.SearchStrategy[str]:
    head = st.sampled_from(["a", "b", 'a x="1"', 'p:a p:x="é" y="&lt;"', 'a xmlns="urn:other"'])
    leaf = st.tuples(head, TEXTS).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0].split()[0]}>")
    return st.recursive(
        leaf,
        lambda inner: st.tuples(head, TEXTS, st.lists(st.tuples(inner, TEXTS), max_size=3)).map(
            lambda one: f"<{one[0]}>{one[1]}{''.join(a + b for a, b in one[2])}</{one[0].split()[0]}>"
        ),
        max_leaves=8,
    )


@given(nodes(), st.sampled_from(["utf-8", "utf-16"]))
def test_the_tree_is_that_of_the_standard_library(node: str, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<r xmlns="urn:r" xmlns:p="urn:p">{node}</r>'
    data = text.encode(encoding)
    ours, theirs = tree(data), ElementTree.fromstring(data)
    assert shape(ours) == reference(theirs)
    assert ours.whole_text() == "".join(theirs.itertext())


def lines(element: Element) -> Iterator[int]:
    yield element.line
    for child in element:
        yield from lines(child)


@given(st.lists(st.sampled_from(["", "\n", "\n\n", "x\n", "<!--\n-->", "<![CDATA[\n]]>"]), max_size=30))
def test_every_element_knows_the_line_that_it_begins_on(gaps: list[str]) -> None:
    text = "<r>" + "".join(f"{gap}<e\n/>" for gap in gaps) + "</r>"
    starts = [text.count("\n", 0, position) + 1 for position in range(len(text)) if text.startswith("<e", position)]
    assert list(lines(tree(text.encode()))) == [1, *starts]


def test_real_files_give_the_standard_librarys_tree() -> None:
    files = list((Path(__file__).parents[2] / "examples").rglob("*.dmn"))
    assert files
    for path in files:
        assert shape(tree(path.read_bytes())) == reference(ElementTree.parse(path).getroot())
