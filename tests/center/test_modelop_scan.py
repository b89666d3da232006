"""JSON that is read as it comes: whatever is put aside and put back gives what was there."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc.center.modelop import scan
from mlc.center.modelop.contents import NotText, decoded, unescaped
from mlc.center.modelop.scan import NotJson, Scanner, TooMuch
from mlc.center.modelop.spool import TOKEN, Spool


def examples(count: int) -> settings:
    """The same ones in every run."""
    return settings(max_examples=count, derandomize=True, database=None, deadline=None)


KEYS = st.sampled_from([*scan.CONTENTS, *scan.OPAQUE, "name", "", 'quote"', "back\\slash", "fileContent ", "é"])
TEXTS = st.text(max_size=40) | st.sampled_from(["\\", '"', "\\\\", "\ud83d\ude00", "😀", "fileContent", "\ud800"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def short_contents_are_put_aside_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "SHORTEST", 8)


def chunks(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def scanned(data: bytes, sizes: list[int]) -> tuple[bytes, Spool]:
    spool = Spool(None)
    scanner = Scanner(spool)
    for chunk in chunks(data, sizes):
        scanner.feed(chunk)
    return scanner.close(), spool


def expanded(rest: bytes, spool: Spool) -> bytes:
    return TOKEN.sub(lambda match: b"".join(spool.pieces(int(match[2]))), rest)


@examples(400)
@given(JSON, st.lists(st.integers(0, 7), max_size=200), st.booleans(), st.sampled_from([None, 1]))
def test_what_is_put_aside_and_put_back_is_what_was_there(
    value: Any, sizes: list[int], ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    rest, spool = scanned(data, sizes)
    assert expanded(rest, spool) == data
    assert json.loads(expanded(rest, spool)) == json.loads(data)
    spool.close()


@examples(400)
@given(JSON, st.booleans())
def test_a_whole_answer_is_read_as_one_that_comes_in_pieces(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    spool = Spool(None)
    whole, (rest, other) = Scanner(spool).whole(data), scanned(data, [3] * (len(data) // 3))
    assert TOKEN.sub(b"#", whole) == TOKEN.sub(b"#", rest)
    assert expanded(whole, spool) == data
    spool.close()
    other.close()


def test_a_whole_answer_may_be_no_larger_than_the_limit() -> None:
    with pytest.raises(TooMuch):
        Scanner(Spool(None), limit=10).whole(b'{"name": "x"}')


@examples(200)
@given(st.binary(max_size=200), st.lists(st.integers(0, 5), max_size=100))
def test_bytes_that_are_no_json_never_become_some(data: bytes, sizes: list[int]) -> None:
    whole = b'{"fileContent": "' + data + b'"}'
    try:
        json.loads(whole)
        is_json = True
    except (ValueError, RecursionError):
        is_json = False
    try:
        rest, spool = scanned(whole, sizes)
        found = isinstance(json.loads(rest), dict) and expanded(rest, spool) == whole
    except (ValueError, RecursionError):
        found = False
    assert found == is_json


@pytest.mark.parametrize(
    "text",
    [
        '{"fileContent": "0123456789"}',
        '{"fileContent"  \n :\t "0123456789"}',
        '{"\\u0066ileContent": "0123456789"}',
        '{"a": {"fileContent": {"fileContent": "0123456789"}}}',
        '{"custom": {"x": [1]}, "b": [[["y"]]], "fileContent": "0123456789"}',
        '[{"custom": {"a": 1}}, [[{"fileContent": "0123456789"}]]]',
        '{"custom": "text", "fileContent": "0123456789"}',
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_content_is_put_aside_wherever_it_stands(text: str, size: int) -> None:
    rest, spool = scanned(text.encode(), [size] * (len(text) // size))
    assert b"0123456789" not in rest
    assert expanded(rest, spool) == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        '["fileContent", "0123456789"]',
        '{"x": "fileContent", "y": "0123456789"}',
        '{"custom": {"fileContent": "0123456789"}}',
        '{"fileContents": "0123456789"}',
        '{"fileContent": "0123"}',
    ],
)
def test_what_is_no_content_stays(text: str) -> None:
    assert scanned(text.encode(), [])[0] == text.encode()


def test_nobody_elses_text_is_a_token() -> None:
    text = json.dumps({"name": f"mlc-content:{'0' * 32}:0", "fileContent": "0123456789"}).encode()
    rest, spool = scanned(text, [])
    nonces = {match[1].decode() for match in TOKEN.finditer(rest)}
    assert spool.nonce in nonces
    assert spool.nonce != "0" * 32


@pytest.mark.parametrize(
    "content", [b"\xff" * 20, b"x" * 20 + b"\n", b"x" * 20 + b"\\q", b"x" * 20 + b"\\u12", b"x" * 20 + b"\xe2\x82"]
)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_content_that_is_no_json_string_is_noticed(content: bytes, size: int) -> None:
    data = b'{"fileContent": "' + content + b'"}'
    with pytest.raises(NotJson):
        scanned(data, [size] * (len(data) // size))


def test_a_body_that_ends_within_a_content_is_noticed() -> None:
    with pytest.raises(NotJson):
        scanned(b'{"fileContent": "' + b"x" * 100, [])


def test_more_than_the_limit_besides_contents_is_refused() -> None:
    scanner = Scanner(Spool(None), limit=1000)
    scanner.feed(b'{"fileContent": "' + b"x" * 10_000 + b'", "name": "')
    with pytest.raises(TooMuch):
        scanner.feed(b"y" * 2000)


@examples(300)
@given(st.text(), st.lists(st.integers(0, 7), max_size=100), st.booleans())
def test_a_text_is_read_however_it_is_split(text: str, sizes: list[int], ascii_only: bool) -> None:
    raw = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
    assert b"".join(unescaped(chunks(raw, sizes))).decode() == text


@pytest.mark.parametrize("raw", [b"\\ud83d", b"\\ud83dx", b"\\ude00\\ud83d", b"x\\ud83d\\n"])
@pytest.mark.parametrize("size", [1, 100])
def test_half_of_a_character_is_no_text(raw: bytes, size: int) -> None:
    with pytest.raises(NotText):
        list(unescaped(chunks(raw, [size] * len(raw))))


def test_a_backslash_before_what_looks_like_an_escape_is_one() -> None:
    for raw in (b"\\\\ud83d", b"\\\\\\\\ud83d", b"\\\\u0041"):
        for size in (1, 2, 3, 100):
            assert b"".join(unescaped(chunks(raw, [size] * 20))) == json.loads(b'"' + raw + b'"').encode()


@examples(300)
@given(st.binary(max_size=200), st.lists(st.integers(0, 7), max_size=100), st.sampled_from(["", "lines", "slashes"]))
def test_base64_is_read_however_it_is_split(data: bytes, sizes: list[int], how: str) -> None:
    raw = base64.b64encode(data)
    if how == "lines":
        raw = base64.encodebytes(data).replace(b"\n", b"\\n")
    elif how == "slashes":
        raw = raw.replace(b"/", b"\\/")
    assert b"".join(decoded(unescaped(chunks(raw, sizes)))) == data


@pytest.mark.parametrize("raw", [b"QQ", b"QQ=", b"QQ==QQ==", b"Q!==", b"=QQQ", b"QQ==x", b"====", "é".encode()])
@pytest.mark.parametrize("size", [1, 100])
def test_what_is_no_base64_is_refused(raw: bytes, size: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(decoded(chunks(raw, [size] * len(raw))))
