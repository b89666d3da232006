"""Bodies that the gateway takes, and what is done to them: at each place of each, each kind of wrong value."""

import base64
import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from hypothesis import strategies as st

from mlc.center.modelop.signals import ModelOpSignals
from workflows.registry import PROCESSES, SNAPSHOT

from .ticket_answers import documents

SIGNALS = "/mlc-service/rest/signalResponsive"
JIRA, SERVICENOW = "/webhooks/jira", "/webhooks/servicenow"
KEY, LABEL, NUMBER = "MLR-7", "gov-0123456789abcdef01234567", "CHG0030001"
_NOW, _MARK = 1_700_000_000_000, "in place {} of this body"
_fresh = count(time.time_ns())

LONG = (
    *(b"1" * 4_301, b"1" * 1_000_000, b"0." + b"1" * 100_000, b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000),
    *(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'"' + b"x" * 1_000_000 + b'"', b'{"' + b"k" * 1_000_000 + b'":1}'),
    *(b"[" + b"1," * 100_000 + b"1]", b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b"}"),
    *(b"[" + b"{}," * 100_000 + b"{}]", b"[" * 150 + b"]" * 150, b"[" * 900 + b"]" * 900),
)
ODD = (
    *(b"1" * 400, b"-" + b"9" * 4_300, b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"-Infinity", b"-0"),
    *(b'"\\ud800"', b'"\\udc80x"', b'{"\\ud800":1}', b'"\\ud83d\\ude00"', b'"\\u0000"', b'{"\\u0000":"\\u0000"}'),
    *(b'"\xff"', b'"\xed\xa0\x80"', b'"a\\nb"', b'"\\u202e\\u2028"', b'{"a":1,"a":2}', b'{"value":{"value":[]}}'),
    *(b"null", b"true", b"0", b"-1", b"1.5", b"[]", b"[[]]", b"{}", b'""', b'" "', b'"null"', b"[1,null]"),
    *(b'"file:///%00"', b'"file:///a/../../b"', b'"http://[::1"', b'"http://h:99999/"', b'"//h"'),
    *(b'"file:///' + b"a/" * 450 + b'"', b'"' + "é".encode() * 300 + b'"', b"\xef\xbb\xbf1", b'"x"y', b"{", b"]"),
)  # fmt: skip
"""What may stand at a place, as it is written."""
WRAPPINGS = (
    *((b"\xef\xbb\xbf", b""), (b" \r\n", b"\n "), (b"", b"\x00"), (b"", b"}"), (b"\xff\xfe", b""), (b"[", b"]")),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")


class Sent(NamedTuple):
    """A request of the gateway; bodies of webhooks are signed when they are sent."""

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Change(NamedTuple):
    """At a place of a document (counted around) stands ``raw``; None: nothing does."""

    place: int
    raw: bytes | None


def valid(snapshot: str = SNAPSHOT) -> Iterator[tuple[str, Any]]:
    """A body of each kind that is taken, and where it goes. The snapshot is one that exists."""
    signals = ModelOpSignals(PROCESSES)
    for name in signals.names:
        plain = json.loads(json.dumps(signals.envelope(name)).replace(SNAPSHOT, snapshot))
        yield SIGNALS, plain
    file = {"assetType": "FILE", "filename": "in.csv", "fileContent": base64.b64encode(b"a\n1\n").decode()}
    for assets in (file, [file | {"fileContent": None, "fileContentString": "a\n1\n"}, _foreign()]):
        variables = {"TAG": {"value": "fuzz"}, "INPUT_FILE": {"value": assets}}
        yield SIGNALS, {"name": "com.modelop.mlc.definitions.Signals_DEPLOYED_BATCH_JOB", "variables": variables}
    issue = {"id": "10001", "key": KEY, "fields": {"labels": [LABEL]}}
    yield JIRA, {"timestamp": _NOW, "webhookEvent": "jira:issue_updated", "issue": issue}
    yield JIRA, issue
    yield JIRA, {"issueKey": KEY, "timestamp": str(_NOW)}
    record = {"event": "change_request.updated", "table": "change_request", "sys_id": "0" * 32, "number": NUMBER}
    yield SERVICENOW, record | {"correlation_id": LABEL, "sys_mod_count": 3, "timestamp": _NOW}
    yield SERVICENOW, record | {"number": {"value": NUMBER}, "sys_updated_on": "2026-11-20 11:00:00"}


def _foreign() -> dict[str, Any]:
    where = {"repositoryType": "S3_REPOSITORY", "host": "s3.example.org"}
    return {"assetType": "FILE", "filename": "in.csv", "fileUrl": "s3://bucket/in.csv", "repositoryInfo": where}


def places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a document: what holds it, and its key there."""
    for key, value in list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder)):
        yield holder, key
        if isinstance(value, dict | list):
            yield from places(value)


def changed(document: Any, changes: tuple[Change, ...]) -> bytes:
    """A copy as it is written, with changes."""
    whole = [json.loads(json.dumps(document))]
    for number, change in enumerate(changes):
        found = list(places(whole))
        holder, key = found[change.place % len(found)]
        if change.raw is None and holder is not whole:
            del holder[key]
        else:
            holder[key] = _MARK.format(number)
    body = json.dumps(whole[0]).encode()
    for number, change in enumerate(changes):
        body = body.replace(json.dumps(_MARK.format(number)).encode(), change.raw or b"")
    return body


def within(document: Any, variable: str, changes: tuple[Change, ...]) -> bytes:
    """A copy in which a signal's variable is a text that stands for an object, with changes in that."""
    whole = json.loads(json.dumps(document))
    text = changed(whole["variables"][variable]["value"], changes).decode("utf-8", "replace")
    whole["variables"][variable] = {"value": text, "type": "json"}
    return json.dumps(whole).encode()


def fresh(body: bytes) -> bytes:
    """With a moment, a ticket and a label of its own: hints about one ticket go as one, and wait for each other."""
    number = next(_fresh) % 10**15
    for old, new in (
        (str(_NOW), str(time.time_ns() // 1_000_000)),
        (KEY, f"MLR-{number + 1}"),
        (NUMBER, f"CHG{number}"),
        (LABEL, f"gov-{number:024x}"),
    ):
        body = body.replace(old.encode(), new.encode())
    return body


KEYS = ("", "k" * 129, "a b", '"quoted"', '"', "\xe9", "../..", "a" * 9_000, "%00", "0", "a:b.c_d-e")
HEADERS = (
    *(("Content-Type", each) for each in ("text/xml", "application/json; charset=utf-16", "", "\xff/x", "multipart/x")),
    *(("Content-Encoding", each) for each in ("gzip", "nonsense")),
    *(("Idempotency-Key", each) for each in KEYS),
    *(("X-Atlassian-Webhook-Identifier", each) for each in ("", "x" * 300, "\xe9", "a-1")),
    *(("Authorization", each) for each in ("Bearer", "Basic \xff", "Basic ====", "Bearer \xe9")),
    *(("X-Hub-Signature", each) for each in ("", "sha256=", "sha256=\xe9", "sha256=" + "A" * 9_999, "md5=0")),
    *(("Expect", "100-continue"), ("X-Forwarded-For", "\xff, ::"), ("Range", "bytes=9-1")),
)  # fmt: skip

written = documents.map(lambda value: json.dumps(value).encode())
raws = st.none() | st.sampled_from(ODD) | written | st.sampled_from(LONG)
changes = st.lists(st.builds(Change, st.integers(0, 60), raws), max_size=3).map(tuple)
headers = st.lists(st.sampled_from(HEADERS), max_size=2).map(tuple)


@st.composite
def requests(draw: st.DrawFn, snapshot: str) -> Sent:
    """A request: a body that is taken, with changes, in some encoding, perhaps within something else."""
    path, document = draw(st.sampled_from(list(valid(snapshot))))
    if path == SIGNALS and document["variables"] and draw(st.booleans()):
        variable = draw(st.sampled_from(sorted(document["variables"])))
        body = fresh(within(document, variable, draw(changes)))
    else:
        body = fresh(changed(document, draw(changes)))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        before, after = draw(st.sampled_from(WRAPPINGS))
        body = before + body + after
    elif kind == 1:
        body = body.decode("utf-8", "replace").encode(draw(st.sampled_from(ENCODINGS)), "replace")
    elif kind == 2:
        body = draw(st.binary(max_size=40)) if draw(st.booleans()) else body[: draw(st.integers(0, 200))]
    return Sent(path, body, draw(headers))
