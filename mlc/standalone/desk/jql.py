"""A part of JQL as SQL: clauses joined by AND, and ORDER BY. Everything else is refused, as a typing error is in Jira.

Understood: ``project``, ``key``, ``labels``, ``status``, ``statusCategory`` with ``=`` and ``in``; ``created`` and
``updated`` with ``=``-less and ordered comparisons to ``"2026-01-31 10:00"`` or a span such as ``-2d``.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.scheme import CATEGORIES
from mlc.standalone.desk.tables import Issue, Label
from mlc.standalone.desk.tickets import Invalid

_TOKEN = re.compile(
    r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(<=|>=|!=|!~|[=<>~(),])|([^\s"'=<>!~(),;?|*/%^$#@\[\]+]+))"""
)
_SPANS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_ORDERS = {"created": Issue.created, "updated": Issue.updated, "key": Issue.number, "issuekey": Issue.number}

Word = tuple[str, bool]
"""A token, and whether it was quoted (then it is no keyword)."""


def query(session: Session, jql: str, json: JiraJson, *, bounded: bool = False) -> Select[Issue]:
    """Translate JQL.

    Args:
        bounded: refuse a query without any restriction, as Jira Cloud does.

    Raises:
        Invalid: it can't be understood, or names a key, project or status that does not exist.
    """
    return _Parser(session, jql, json).parse(bounded)


class _Parser:
    def __init__(self, session: Session, jql: str, json: JiraJson) -> None:
        self._session = session
        self._json = json
        self._tokens = _tokens(jql)
        self._place = 0

    def parse(self, bounded: bool) -> Select[Issue]:
        found = select(Issue)
        restricted = False
        if self._tokens and not self._is("order"):
            found = found.where(self._clause())
            while self._is("and"):
                self._next()
                found = found.where(self._clause())
            restricted = True
        if bounded and not restricted:
            raise Invalid("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        return self._order(found)

    def _clause(self) -> ColumnElement[bool]:
        field = self._next()[0].casefold()
        operator = self._next()[0].casefold()
        if field in {"created", "updated"}:
            return self._compare(Issue.created if field == "created" else Issue.updated, operator, self._next())
        equals: dict[str, Callable[[list[str]], ColumnElement[bool]]] = {
            "project": self._project,
            "key": self._key,
            "issuekey": self._key,
            "labels": lambda names: Issue.number.in_(select(Label.issue).where(Label.name.in_(names))),
            "status": self._status,
            "statuscategory": self._category,
        }
        if field not in equals:
            raise _error(f"Field '{field}' does not exist or you do not have permission to view it.")
        if operator == "=":
            return equals[field]([self._value()])
        if operator == "in":
            return equals[field](self._list())
        raise _error(f"The operator '{operator}' is not supported by the '{field}' field.")

    def _order(self, found: Select[Issue]) -> Select[Issue]:
        if self._place == len(self._tokens):
            return found.order_by(Issue.number.desc())
        if not self._is("order"):
            raise _error(f"Expecting 'AND' or 'ORDER BY' but got '{self._next()[0]}'.")
        self._next()
        if self._next()[0].casefold() != "by":
            raise _error("Expecting 'BY' after 'ORDER'.")
        while True:
            field = self._next()[0].casefold()
            if field not in _ORDERS:
                raise _error(f"Not able to sort using field '{field}'.")
            descending = False
            if self._is("asc") or self._is("desc"):
                descending = self._next()[0].casefold() == "desc"
            column: Any = _ORDERS[field]
            found = found.order_by(column.desc() if descending else column.asc())
            if self._place == len(self._tokens):
                return found.order_by(Issue.number)
            if self._next() != (",", False):
                raise _error("Expecting ',' between fields to sort by.")

    def _project(self, names: list[str]) -> ColumnElement[bool]:
        for name in names:
            if name.upper() != self._json.project and name != "10000":
                raise _error(f"The value '{name}' does not exist for the field 'project'.")
        return Issue.number > 0

    def _key(self, keys: list[str]) -> ColumnElement[bool]:
        numbers = []
        for key in keys:
            number = self._json.number(key)
            if number is None or self._session.get(Issue, number) is None:
                raise _error(f"An issue with key '{key}' does not exist for field 'key'.")
            numbers.append(number)
        return Issue.number.in_(numbers)

    def _status(self, names: list[str]) -> ColumnElement[bool]:
        ids = []
        for name in names:
            known = [s.id for s in self._json.scheme.statuses if name == s.id or name.casefold() == s.name.casefold()]
            if not known:
                raise _error(f"The value '{name}' does not exist for the field 'status'.")
            ids += known
        return Issue.status.in_(ids)

    def _category(self, names: list[str]) -> ColumnElement[bool]:
        known = {
            name.casefold(): key for key, (number, shown, _) in CATEGORIES.items() for name in (key, shown, str(number))
        }
        for name in names:
            if name.casefold() not in known:
                raise _error(f"The value '{name}' does not exist for the field 'statusCategory'.")
        wanted = {known[name.casefold()] for name in names}
        return Issue.status.in_([status.id for status in self._json.scheme.statuses if status.category in wanted])

    def _compare(self, column: Any, operator: str, value: Word) -> ColumnElement[bool]:
        moment = _moment(value[0])
        compared: dict[str, ColumnElement[bool]] = {
            "<": column < moment,
            "<=": column <= moment,
            ">": column > moment,
            ">=": column >= moment,
        }
        if operator not in compared:
            raise _error(f"The operator '{operator}' is not supported by a field that holds a time.")
        return compared[operator]

    def _list(self) -> list[str]:
        if self._next() != ("(", False):
            raise _error("Expecting '(' after 'in'.")
        values = [self._value()]
        while (word := self._next()) == (",", False):
            values.append(self._value())
        if word != (")", False):
            raise _error(f"Expecting ',' or ')' but got '{word[0]}'.")
        return values

    def _value(self) -> str:
        text, quoted = self._next()
        if not quoted and (text in {"(", ")", ","} or text.casefold() in {"and", "or", "order", "in", "empty", "not"}):
            raise _error(f"Expecting a value but got '{text}'.")
        return text

    def _is(self, keyword: str) -> bool:
        if self._place == len(self._tokens):
            return False
        text, quoted = self._tokens[self._place]
        return not quoted and text.casefold() == keyword

    def _next(self) -> Word:
        if self._place == len(self._tokens):
            raise _error("The query ends too early.")
        self._place += 1
        return self._tokens[self._place - 1]


def _tokens(jql: str) -> list[Word]:
    words: list[Word] = []
    place, end = 0, len(jql.rstrip())
    while place < end:
        match = _TOKEN.match(jql, place)
        if not match:
            raise _error(f"The character '{jql[place:].strip()[:1]}' at position {place + 1} is not understood.")
        double, single, operator, word = match.groups()
        quoted = double if double is not None else single
        words.append((re.sub(r"\\(.)", r"\1", quoted), True) if quoted is not None else (operator or word, False))
        place = match.end()
    return words


def _moment(text: str) -> int:
    """A time in JQL as milliseconds since 1970: absolute (UTC), or a span before now."""
    if span := re.fullmatch(r"-(\d{1,4})([wdhm])", text):
        moment = datetime.now(UTC) - timedelta(**{_SPANS[span[2]]: int(span[1])})
    else:
        try:
            moment = datetime.fromisoformat(text.replace("/", "-")).replace(tzinfo=UTC)
        except ValueError:
            raise _error(f"Date value '{text}' is invalid: use 'yyyy-MM-dd HH:mm' or a span such as '-2d'.") from None
    return int(moment.timestamp() * 1000)


def _error(message: str) -> Invalid:
    return Invalid(f"Error in the JQL Query: {message}")
