"""What Jira and ServiceNow answer when all is well, by the path that is asked, and what is done to it."""

import json
import re
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hypothesis import strategies as st

from .answering import Answer

LABEL = "gov-0123456789abcdef01234567"
TOKEN = "s3cret-token-of-nobody"
SYS_ID = "0123456789abcdef0123456789abcdef"
ADA = {"accountId": "557058:ada", "displayName": "Ada", "active": True, "accountType": "atlassian"}
DONE = {"id": "10001", "name": "Done", "statusCategory": {"id": 3, "key": "done", "name": "Done"}}
OPEN = {"id": "1", "name": "To Do", "statusCategory": {"id": 2, "key": "new", "name": "To Do"}}
WITHDRAWN = {"id": "10099", "name": "Withdrawn", "statusCategory": {"id": 3, "key": "done", "name": "Done"}}
MOVED = {"field": "status", "from": "1", "fromString": "To Do", "to": "10001", "toString": "Done"}
FIELD = {"id": "customfield_10042", "name": "Expiration Date", "custom": True, "schema": {"type": "date"}}
COMMENT = {"id": "9", "body": "why not", "created": "2026-11-20T11:00:00.000+0100", "author": ADA}


def issue(status: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "status": status,
        "resolution": {"id": "10000", "name": "Done"} if status is DONE else None,
        "updated": "2026-11-20T12:00:00.123+0100",
        "labels": [LABEL, "gov-managed"],
        "customfield_10042": "2099-12-31",
        "attachment": [{"id": "5", "filename": "other.json"}],
    }
    edit = {"id": "7", "created": "2026-11-20T12:00:00.000+0100", "author": ADA, "items": [MOVED]}
    changelog = {"startAt": 0, "maxResults": 1, "total": 1, "histories": [edit]}
    return {"id": "10001", "key": "MLR-7", "fields": fields, "changelog": changelog}


RESOLVING = {"required": True, "hasDefaultValue": False, "allowedValues": [{"id": "10000", "name": "Obsolete"}]}
TRANSITION = {"id": "51", "name": "Withdraw", "to": WITHDRAWN, "isAvailable": True, "fields": {"resolution": RESOLVING}}
CREATED = {"id": "10001", "key": "MLR-7", "self": "https://jira.example.org/rest/api/2/issue/10001"}
TYPE = {"id": "3", "name": "Task", "statuses": [OPEN, DONE, WITHDRAWN]}
PERMISSION = {"BROWSE_PROJECTS": {"havePermission": True}}
JIRA: list[tuple[str, Any]] = [
    ("GET /rest/api/2/field", [FIELD]),
    ("GET /rest/api/2/myself", ADA | {"locale": "en_US"}),
    ("GET /rest/api/2/mypermissions", {"permissions": PERMISSION}),
    ("GET /rest/api/2/resolution", [{"id": "10000", "name": "Done"}, {"id": "10001", "name": "Won't Do"}]),
    (r"GET /rest/api/2/issue/createmeta/MLR/issuetypes/\d+", {"fields": [{"fieldId": "summary", "required": True}]}),
    ("GET /rest/api/2/issue/createmeta", {"issueTypes": [TYPE]}),
    (r"GET /rest/api/2/project/\w+/statuses", [TYPE]),
    ("GET /rest/api/2/project", {"id": "1", "key": "MLR"}),
    ("GET /rest/api/2/search/jql", {"issues": [issue(DONE)], "isLast": True}),
    ("GET /rest/api/2/search", {"issues": [issue(OPEN)], "startAt": 0, "maxResults": 100, "total": 1}),
    (r"GET /rest/api/2/issue/\w+/properties", {"key": "gov.ticket", "value": {"label": LABEL, "snapshot_id": "s-1"}}),
    (r"GET /rest/api/2/issue/\w+/comment", {"startAt": 0, "maxResults": 100, "total": 1, "comments": [COMMENT]}),
    (r"GET /rest/api/2/issue/\w+/transitions", {"transitions": [TRANSITION]}),
    (r"GET /rest/api/2/issue/\w+.*expand=changelog", issue(DONE)),
    (r"GET /rest/api/2/issue/\w+", issue(OPEN)),
    (r"POST /rest/api/2/issue/\w+/comment", COMMENT),
    (r"POST /rest/api/2/issue/\w+/attachments", [{"id": "5", "filename": "a.json", "size": 3}]),
    (r"POST /rest/api/2/issue/\w+/remotelink", {"id": 1, "self": "https://jira.example.org/"}),
    (r"POST /rest/api/2/issue/\w+/transitions", None),
    ("POST /rest/api/2/issue", CREATED),
]


def row(**values: str) -> dict[str, Any]:
    return {name: {"value": value, "display_value": value} for name, value in values.items()}


NOTE = f'For the machines: {{"label": "{LABEL}", "snapshot_id": "s-1"}}\n\ngov-event:properties'
NOW = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
RECORD = row(
    sys_id=SYS_ID, number="CHG0030001", correlation_id=LABEL, state="-4", approval="approved", close_code="",
    close_notes="", u_expiration_date="2099-12-31", sys_mod_count="3", sys_updated_on=NOW,
    sys_created_by="bot", sys_created_on="2026-11-19 12:00:00", resolved_by="", approval_set="2026-11-20 12:00:00",
)  # fmt: skip
APPROVAL = {
    "sys_id": SYS_ID, "sysapproval": SYS_ID, "approver": "Ada", "approver.user_name": "ada", "state": "approved",
    "sys_updated_on": "2026-11-20 12:00:00",
}  # fmt: skip
JOURNAL = row(element_id=SYS_ID, element="work_notes", value=NOTE, sys_created_by="ada", sys_created_on="2026-11-20")
CHOICES = [
    row(name="change_request", element="approval", value=value, label=value) for value in ("approved", "rejected")
]
COLUMNS = [row(name="task", element=name, internal_type="string") for name in ("number", "u_expiration_date", "state")]
SERVICENOW: list[tuple[str, Any]] = [
    ("GET .*/table/sys_journal_field", {"result": [JOURNAL]}),
    ("GET .*/table/sysapproval_approver", {"result": [row(**APPROVAL)]}),
    ("GET .*/table/sys_dictionary", {"result": COLUMNS}),
    ("GET .*/table/sys_choice", {"result": CHOICES}),
    ("GET .*/table/sys_user", {"result": [row(sys_id=SYS_ID)]}),
    ("GET .*/attachment", {"result": [row(file_name="other.json", table_sys_id=SYS_ID)]}),
    (r"GET .*/table/\w+/[0-9a-f]{32}", {"result": RECORD}),
    (r"GET .*/table/\w+", {"result": [RECORD]}),
    ("POST /oauth_token.do", {"access_token": "given-token", "expires_in": 1800, "token_type": "Bearer"}),
    (r"POST .*/table/\w+", {"result": RECORD}),
    ("PATCH", {"result": RECORD}),
    ("POST .*/attachment/file", {"result": row(sys_id=SYS_ID)}),
]


def usual(routes: list[tuple[str, Any]], method: str, path: str) -> Any:
    """What is answered when all is well."""
    return next((found for pattern, found in routes if re.match(pattern, f"{method} {path}")), {})


class Change(NamedTuple):
    """At the ``place``-th node of a document (counted around) stands something else, or nothing."""

    place: int
    value: Any
    gone: bool


class Recipe(NamedTuple):
    """How one request is answered: the usual document, changed; or another body."""

    changes: tuple[Change, ...] = ()
    body: Any = None
    raw: bytes | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self, routes: list[tuple[str, Any]], method: str, path: str) -> Answer:
        status = self.status or (201 if method == "POST" else 200)
        if self.raw is not None:
            return Answer(raw=self.raw)
        if isinstance(self.body, bytes):
            return Answer(status, self.body, self.headers)
        document = self.body[0] if self.body is not None else changed(usual(routes, method, path), self.changes)
        return Answer(status, json.dumps(document).encode(), self.headers)


def changed(document: Any, changes: tuple[Change, ...]) -> Any:
    """A copy with its nodes changed."""
    whole = [json.loads(json.dumps(document))]
    for change in changes:
        places = list(_places(whole))
        holder, key = places[change.place % len(places)]
        if change.gone and holder is not whole:
            del holder[key]
        else:
            holder[key] = deepcopy(change.value)
    return whole[0]


def _places(holder: Any) -> Any:
    pairs = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
    for key, value in pairs:
        yield holder, key
        if isinstance(value, dict | list):
            yield from _places(value)


KEYS = (
    *("errorMessages", "errors", "message", "errorMessage", "error", "detail", "result", "issues", "isLast", "total"),
    *("nextPageToken", "fields", "status", "id", "key", "name", "value", "display_value", "created", "comments"),
)
ODD_TEXTS = (
    *("", "\ud800", "\x00", "\u202e", "null", "2026-11-20", "2026-11-20T12:00:00", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31", "9999-12-31T23:59:59-1200", "<html>", "../../secret", "?x#y", "10002", TOKEN, f"a {TOKEN} b"),
    *("Field Assignee is required.", "Unauthorized; scope does not match", "x" * 400, "Done", "rejected", "٣"),
    *("[" * 20_000, '{"a":' * 5_000, "For the machines: " + "[" * 20_000 + "\n\ngov-event:properties"),
)
ODD_BODIES = (
    *(
        b"",
        b"null",
        b'"bare"',
        b"[]",
        b"{}",
        b"\xff\xfe\xfa",
        b"\xef\xbb\xbf{}",
        b"<html><title>Forbidden (403)</title>",
    ),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000, b"NaN", b'{"errorMessages":[null],"errors":{}}', b"{"),
    *(b'{"errorMessages":null,"errors":null}', b"\x1f\x8b\x08garbage", b'{"result":[],"result":null}', b"-0", b"1e999"),
)
RAW = (
    *(
        b"",
        b"\r\n",
        b"HTTP/1.1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x00" * 99,
    ),
    *(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    ),
    *(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}", b"HTTP/1.1 100 Continue\r\n\r\n", b"SSH-2.0-x\r\n"),
    *(
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/9.9 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n:\r\n\xff: \xff\r\n\r\n{}",
    ),
)
HEADERS = {
    "Retry-After": ("garbage", "-1", "99999999999999999999", "Wed, 99 Foo 2026", "1, 2", "1e9", "٣", "0"),
    "Location": (
        *("http://[::1", "//evil", "https://a:b@c.example/x?token=t", "javascript:x", "\xff", "", f"/login;{TOKEN}"),
        *("https://jira.example.org/rest/api/2/issue", "http://" + "a" * 300, "http://a:99999/", "/" + "x" * 5_000),
    ),
    "Content-Type": ("text/html", "text/plain; charset=nonsense", "application/json; charset=utf-16", "", "\xe9/x"),
    "Content-Encoding": ("gzip", "deflate", "identity", "nonsense, gzip"),
    "Transfer-Encoding": ("chunked",),
    "X-Total-Count": ("-1", "9" * 5_000, "1000000000", "²", "", "501"),
    "X-Seraph-LoginReason": ("AUTHENTICATION_DENIED", "AUTHENTICATED_FAILED", "OUT", "\xff"),
    "X-Authentication-Denied-Reason": (
        "CAPTCHA_CHALLENGE; login-url=https://u:p@jira.example.org/login.jsp?os_destination=x", "CAPTCHA;", ";", TOKEN
    ),
    "Set-Cookie": ("a=b; Expires=garbage; Max-Age=x", "\xff=\x01", "JSESSIONID=1; Domain=.com"),
    "WWW-Authenticate": ("Negotiate", 'Digest realm="x'),
    "Link": ("<http://[::1>; rel=next", "garbage"),
}  # fmt: skip
STATUSES = (
    *(
        200,
        201,
        202,
        204,
        206,
        299,
        300,
        301,
        302,
        303,
        304,
        307,
        308,
        400,
        401,
        403,
        404,
        405,
        406,
        408,
        409,
        410,
        413,
    ),
    *(415, 418, 422, 423, 425, 429, 451, 500, 501, 502, 503, 504, 508, 599, 600, 999, 101, 199),
)

texts = st.sampled_from(ODD_TEXTS) | st.text(st.characters(exclude_categories=()), max_size=8)
numbers = st.integers(-3, 3) | st.sampled_from([10**400, -(10**30), 2**63, 1.5, float("nan"), float("inf"), -0.0])
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4),
    max_leaves=8,
)
headers = st.sampled_from(sorted(HEADERS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]))
)
changes = st.tuples(st.integers(0, 200), documents, st.booleans()).map(lambda parts: Change(*parts))
bodies = st.tuples(documents) | st.sampled_from(ODD_BODIES) | st.binary(max_size=30)
several = st.lists(changes, max_size=2).map(tuple)
statuses = st.none() | st.sampled_from(STATUSES) | st.integers(200, 999)
recipes = st.one_of(
    st.just(Recipe()),
    st.lists(changes, min_size=1, max_size=2).map(lambda made: Recipe(changes=tuple(made))),
    st.tuples(several, st.none() | bodies, statuses, st.lists(headers, max_size=3).map(tuple)).map(
        lambda parts: Recipe(changes=parts[0], body=parts[1], status=parts[2], headers=parts[3])
    ),
    st.sampled_from(RAW).map(lambda raw: Recipe(raw=raw)),
)
