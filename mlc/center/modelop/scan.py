"""Reads JSON as it comes, and puts the contents of files aside: what is left is small enough for memory.

A content is a string under ``fileContent`` and the like. It is not decoded: its bytes are what stood between the
quotes, so that they can be sent on as they came. In its place stands a token. Keys may be escaped, strings and escapes
may be split anywhere; what isn't JSON is noticed, at the latest when the rest is parsed.
"""

import codecs
import json
import re
from typing import Protocol

from mlc.model.failure import MlcError

CONTENTS = frozenset({"fileContent", "fileContentString", "sourceCode"})
OPAQUE = frozenset({"custom", "testResults", "jobParameters", "schemaDefinition", "signalVariables", "runtimeInfo"})
"""Keys of what holds other people's keys: nothing in there is a file of ours."""
SHORTEST = 4096
"""Bytes from which on a content is put aside."""

_LONGEST_KEY = 200
_SPACE = b" \t\n\r"
_BRACKETS = re.compile(rb"[{}\[\]]")
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
WELL_FORMED = re.compile(
    rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+'  # what may stand between quotes
)
_CONTROL = re.compile(rb"[\x00-\x1f]")
_NAMED = re.compile(b"|".join([*(re.escape(key.encode()) for key in sorted(CONTENTS)), rb"\\u"]))
"""What a text has in which something may be a content; letters of a key may be escaped."""
_BEGUN = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?")


class NotJson(MlcError, ValueError):
    """What came is no JSON. The text says why."""


class TooMuch(MlcError, ValueError):
    """What is left without the contents is larger than the limit."""


class Sink(Protocol):
    """Where contents go."""

    def begin(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def end(self) -> str:
        """The token that stands for the content; plain letters, digits, hyphens and colons."""
        ...


class Scanner:
    """Feed it the bytes, then ``close`` it.

    Args:
        sink: where contents go; None leaves everything where it is.
        limit: bytes of what is left; None: any number.
    """

    def __init__(self, sink: Sink | None = None, limit: int | None = None) -> None:
        self._sink = sink
        self._limit = limit
        self._rest = bytearray()
        self._in_string = False
        self._after = ""  # "string", or "colon" if one followed it; else empty
        self._key = b""  # the last string, as it stands in the JSON; empty if it is too long for a key
        self._begin = 0  # where the present string begins in the rest
        self._depth = 0  # how deep within something opaque
        self._carry = b""  # a backslash whose escape hasn't come yet
        self._content: _Content | None = None

    def whole(self, data: bytes) -> bytes:
        """All of the JSON at once, as ``feed`` and ``close`` would have it: most answers hold nothing to put aside."""
        if (self._limit is None or len(data) <= self._limit) and (len(data) < SHORTEST or not _NAMED.search(data)):
            return data
        self.feed(data)
        return self.close()

    def feed(self, data: bytes) -> None:
        """Raises NotJson, TooMuch, and what the sink raises."""
        if self._carry:
            data, self._carry = self._carry + data, b""
        position = 0
        while position < len(data):
            position = self._string(data, position) if self._in_string else self._between(data, position)
        if self._limit is not None and len(self._rest) > self._limit:
            raise TooMuch

    def close(self) -> bytes:
        """The JSON with tokens for contents.

        Raises:
            NotJson: it ends too early.
        """
        if self._in_string or self._carry:
            raise NotJson("it ends within a string")
        return bytes(self._rest)

    def _between(self, data: bytes, position: int) -> int:
        """Take what stands between strings; returns where it ends."""
        quote = data.find(b'"', position)
        part = data[position : quote if quote >= 0 else len(data)]
        self._rest += part
        self._follow(part)
        if quote < 0:
            return len(data)
        self._rest += b'"'
        self._in_string = True
        self._begin = len(self._rest)
        if self._sink is not None and self._after == "colon" and not self._depth and self._is(CONTENTS):
            self._content = _Content(self._sink)
        return quote + 1

    def _follow(self, part: bytes) -> None:
        if self._depth:
            self._descend(part)
            return
        told = part.strip(_SPACE)
        if not told or not self._after:
            return
        if self._after == "string" and told == b":":
            self._after = "colon"
            return
        begun = told.removeprefix(b":").lstrip(_SPACE) if self._after == "string" else told
        if (self._after == "colon" or told.startswith(b":")) and begun[:1] in {b"{", b"["} and self._is(OPAQUE):
            self._descend(begun)
        self._after = ""

    def _descend(self, part: bytes) -> None:
        for bracket in _BRACKETS.finditer(part):
            self._depth += 1 if bracket[0] in b"{[" else -1
            if not self._depth:
                return

    def _is(self, keys: frozenset[str]) -> bool:
        if b"\\" not in self._key:
            return self._key.decode(errors="replace") in keys
        try:
            return json.loads(b'"' + self._key + b'"') in keys
        except ValueError:
            return False

    def _string(self, data: bytes, position: int) -> int:
        """Take a string's bytes; returns where they end."""
        end = data.find(b'"', position)
        stop = end if end >= 0 else len(data)
        if data.find(b"\\", position, stop) >= 0:
            found = _STRING.match(data, position)
            stop = found.end() if found else position
            if data[stop : stop + 1] == b"\\":  # the last byte: what it escapes comes with the next ones
                self._carry = data[stop:]
                self._take(data[position:stop])
                return len(data)
        self._take(data[position:stop])
        if stop < len(data):
            self._end_string()
            return stop + 1
        return stop

    def _take(self, part: bytes) -> None:
        if self._content is None:
            self._rest += part
        else:
            self._content.add(part)

    def _end_string(self) -> None:
        if self._content is not None:
            self._rest += self._content.close()
            self._content = None
        length = len(self._rest) - self._begin
        self._key = bytes(self._rest[self._begin :]) if length <= _LONGEST_KEY else b""
        self._rest += b'"'
        self._in_string = False
        self._after = "string"


class _Content:
    """A content that is on its way: kept as long as it is short, then written to the sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._short = bytearray()
        self._long = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        self._escape = b""

    def add(self, part: bytes) -> None:
        if not self._long:
            self._short += part
            if len(self._short) < SHORTEST:
                return
            self._long = True
            self._sink.begin()
            part = bytes(self._short)
        self._check(part)
        self._sink.write(part)

    def close(self) -> bytes:
        """The short content itself, or the token of a long one."""
        if not self._long:
            return bytes(self._short)
        if self._escape or not self._is_text(b"", final=True):
            raise NotJson("a file's content there is no JSON string")
        return self._sink.end().encode()

    def _check(self, part: bytes) -> None:
        """Contents are not parsed with the rest: make sure that they could be."""
        if not self._is_text(part):
            raise NotJson("it is not UTF-8")
        if self._escape or b"\\" in part:
            part = self._escape + part
            end = found.end() if (found := WELL_FORMED.match(part)) else 0
            self._escape = part[end:]
            if self._escape and not _BEGUN.fullmatch(self._escape):
                raise NotJson("a file's content there is no JSON string")
        elif _CONTROL.search(part):
            raise NotJson("a file's content there is no JSON string")

    def _is_text(self, part: bytes, *, final: bool = False) -> bool:
        if part.isascii() and not final and not self._decoder.getstate()[0]:
            return True
        try:
            self._decoder.decode(part, final)
        except UnicodeDecodeError:
            return False
        return True
