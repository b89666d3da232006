"""Unary tests: the cells of a decision table, allowed values, and what stands behind `in`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from mlc.dmn.errors import FeelSyntaxError

from . import operators
from .cursor import Cursor, Node
from .primary import RELATIONS
from .ranges import range_from
from .reading import UNDER_TEST
from .run import Run, Scope, Test, Value
from .values import Range, is_in


def tests(begin: Callable[[], Cursor]) -> Test:
    """A whole cell: `test, test` or `not(test, test)`. `begin` makes a parser at the beginning of its text."""
    parser = begin()
    test = _cell(parser, begin)
    if parser.null_tests:
        parser.reading.minds.add(UNDER_TEST)
    return test


def _cell(parser: Cursor, begin: Callable[[], Cursor]) -> Test:
    if parser.at("not") and parser.tokens[parser.index + 1].text == "(":
        try:
            parser.index += 1
            test = none_of(any_of(tests_in_brackets(parser)))
            parser.end()
        except FeelSyntaxError:  # not(...) may also be a call of the function, with an operator behind it
            parser = begin()
        else:
            return test
    alternatives = [positive(parser)]
    while parser.take(","):
        alternatives.append(positive(parser))
    parser.end()
    return any_of(alternatives)


def membership(parser: Cursor, left: Node, begin: int, lowest: int) -> Node:
    """`left in test` or `left in (test, ...)`, after the `in`. A test without brackets ends before an operator that
    binds less tightly than `lowest`, so that `x in a and y` asks for both; one with `?` goes on, as in a cell. `left`
    begins at a path of the reading.
    """
    null_tests = parser.null_tests
    test = any_of(tests_in_brackets(parser)) if parser.at("(") else positive(parser, lowest)
    if parser.null_tests > null_tests or left.null:
        parser.reading.mind(begin)
    parser.null_tests = null_tests
    operand = left.code
    return Node(lambda scope, run: test(operand(scope, run), scope, run), truth=True)


def tests_in_brackets(parser: Cursor) -> list[Test]:
    """`(test, ...)`; one that turns out to be an open range, `(low..high)`, is that range."""
    parser.expect("(")
    with parser.nested():
        if parser.at(*RELATIONS):
            alternatives = [positive(parser)]
        else:
            begin = len(parser.reading.paths)
            first, asks = _expression(parser)
            if parser.at(".."):
                return [_of_value(range_from(parser, first, low_closed=False))]
            alternatives = [_of_what_is_there(_of_node(first, asks), parser, begin)]
        while parser.take(","):
            alternatives.append(positive(parser))
    parser.expect(")")
    return alternatives


def positive(parser: Cursor, lowest: int = 0) -> Test:
    """One test: a comparison without its left side, a value, a range, or an expression with `?`."""
    begin = len(parser.reading.paths)
    if parser.at(*RELATIONS):
        symbol = parser.advance().text
        bound = parser.endpoint()
        parser.null_tests += bound.null
        return _of_what_is_there(_relation(symbol, bound), parser, begin)
    return _of_what_is_there(_of_node(*_expression(parser, lowest)), parser, begin)


def _of_what_is_there(test: Test, parser: Cursor, begin: int) -> Test:
    """A test that null does not pass for want of an input: what it reads since `begin` must be given.

    What is missing is null, too, and null equals null. A test that asks whether what it reads is null stays as it is.
    """
    paths = [path for path in parser.reading.paths[begin:] if path not in parser.reading.minds and path != UNDER_TEST]
    if not paths:
        return test
    names = {name for path in paths for name in (path[0], ".".join(path))}

    def passes(value: Value, scope: Scope, run: Run) -> bool | None:
        if value is None and not run.missing.isdisjoint(names):
            return None
        return test(value, scope, run)

    return passes


def _expression(parser: Cursor, lowest: int = 0) -> tuple[Node, bool]:
    """An expression, and whether it asks for the value under test."""
    outer, parser.asks_input = parser.asks_input, False
    begin = len(parser.reading.paths)
    with parser.nested():
        begin = len(parser.reading.paths)
        node = parser.operation(lowest)
        if parser.asks_input and lowest:
            node = parser.operation(0, node, begin)
    parser.null_tests += node.null
    asks, parser.asks_input = parser.asks_input, outer
    return node, asks


def any_of(alternatives: Sequence[Test]) -> Test:
    """Passed by a value that passes one of the tests; None when it cannot be compared with any of them."""
    if len(alternatives) == 1:
        return alternatives[0]

    def either(value: Value, scope: Scope, run: Run) -> bool | None:
        comparable = False
        for test in alternatives:
            answer = test(value, scope, run)
            if answer:
                return True
            comparable = comparable or answer is False
        return False if comparable else None

    return either


def none_of(test: Test) -> Test:
    """Passed by a value that fails the test. A value that cannot be compared passes neither."""

    def negated(value: Value, scope: Scope, run: Run) -> bool | None:
        return operators.negation(test(value, scope, run))

    return negated


def _relation(symbol: str, bound: Node) -> Test:
    code, relate = bound.code, operators.relate
    limit = code({}, Run()) if bound.constant else None
    if type(limit) is Decimal and symbol in operators.RELATIONS:
        return against_number(symbol, limit)
    return lambda value, scope, run: relate(symbol, value, code(scope, run), run)


def against_number(symbol: str, number: Decimal) -> Test:
    """`<`, `<=`, `>` or `>=` in front of a number."""
    relation = operators.RELATIONS[symbol]

    def compares(value: Value, scope: Scope, run: Run) -> bool | None:  # noqa: ARG001
        return relation(value, number) if type(value) is Decimal else None

    return compares


def _of_node(node: Node, asks_input: bool) -> Test:
    if asks_input:
        return _of_question(node)
    if node.constant:
        return _of_value(node)
    code, truth = node.code, node.truth

    def passes(value: Value, scope: Scope, run: Run) -> bool | None:
        expected = code(scope, run)
        if truth or (isinstance(expected, bool) and value is not None and not isinstance(value, (bool, list))):
            return expected is True
        if expected is None and value is not None:
            return None  # what could not be found out is neither equal nor unequal
        return is_in(value, expected, run)

    return passes


def _of_question(node: Node) -> Test:
    """The test that an expression with `?` is. An answer of null is no value that null could be equal to."""
    code = node.code

    def holds(value: Value, scope: Scope, run: Run) -> bool | None:
        answer = code({**scope, "?": value}, run)
        if answer is None:
            return None
        return answer if isinstance(answer, bool) else is_in(value, answer, run)

    return holds


def _of_value(node: Node) -> Test:
    if not node.constant:
        return _of_node(node, asks_input=False)
    return of_constant(node.code({}, Run()))


def of_constant(expected: Value) -> Test:
    """A value that is the same in every scope: equality, or being in a range or list."""
    if isinstance(expected, Range):
        contains = expected.contains
        return lambda value, scope, run: contains(value)  # noqa: ARG005
    kind = type(expected)
    if kind in (str, bool, Decimal):

        def equals(value: Value, scope: Scope, run: Run) -> bool | None:  # noqa: ARG001
            return value == expected if type(value) is kind else is_in(value, expected, run)

        return equals
    return lambda value, scope, run: is_in(value, expected, run)  # noqa: ARG005
