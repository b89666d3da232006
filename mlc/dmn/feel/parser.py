"""Expressions of FEEL to closures, by recursive descent.

The grammar is that of DMN 1.5, section 10.3.1.2. An operand is read with the longest name in scope; operators of one
precedence become one loop over a flat chain, so that only brackets, calls and keywords make an expression deep.
"""

from __future__ import annotations

from mlc.dmn.errors import FeelError, FeelSyntaxError, Place

from . import calls, iteration, operators, unary
from .cursor import Cursor, Node, constant
from .dialects import ASKS_FOR_NULL, CAMUNDA_ARGUMENTS, undeclared
from .lexer import spelled
from .primary import primary
from .ranges import one_ended
from .reading import ASKING_IF_ANSWERED, Condition
from .run import Code, Run, Scope, Test
from .typenames import type_name
from .types import ANY, NULL, conforms
from .values import Function
from .vocabulary import Vocabulary

#: Members, filters and calls behind one operand.
CHAIN = 100
#: Filters of an expression that are read in both ways, where a name of an item may also be an expression.
REREADS = 20

LEVELS = (("or",), ("and",), ("=", "!=", "<", "<=", ">", ">=", "between", "in"), ("+", "-"), ("*", "/"), ("**",))
PRECEDENCE = {symbol: level for level, symbols in enumerate(LEVELS) for symbol in symbols}
COMPARISON, ADDITION = PRECEDENCE["="], PRECEDENCE["+"]


class Parser(Cursor):
    """Reads expressions. Every method passes over what it reads and raises FeelSyntaxError."""

    rereads = 0

    def expression(self) -> Node:
        """Any expression."""
        with self.nested():
            return self.operation(0)

    def endpoint(self) -> Node:
        """The end of a range or of a comparison in a unary test: no comparison, and a filter in brackets only."""
        with self.nested():
            self.in_endpoint = True
            return self.operation(ADDITION)

    def operation(self, lowest: int, left: Node | None = None, begin: int = 0) -> Node:
        """Operators of a precedence and those that bind tighter; `left` is an operand that has been read already, which
        begins at a path of the reading.
        """
        begin = len(self.reading.paths) if left is None else begin
        left = left or self.signed()
        late = self.vocabulary.dialect.late_instance and lowest <= ADDITION
        while (level := self.level()) >= lowest or (late and self.at("instance")):
            if late and self.take("instance"):
                left = self.instance(left, begin)
                continue
            if level == COMPARISON:
                left = self.comparison(left, begin)
                if self.level() == COMPARISON:
                    raise self.unexpected("comparisons do not chain; expected and, or or the end")
                continue
            chain: list[tuple[str, Code]] = []
            while self.at(*LEVELS[level]):
                symbol = self.advance().text
                chain.append((symbol, self.operation(level + 1).code))
            if level < COMPARISON:
                operands = [left.code, *(code for _, code in chain)]
                left = Node(operators.connect(operands, decisive=chain[0][0] == "or"), truth=True)
            else:
                left = Node(operators.arithmetic(left.code, chain, self.place))
        return left

    def level(self) -> int:
        """Precedence of the operator that comes next, -1 if none does."""
        token = self.token
        return PRECEDENCE.get(token.text, -1) if token.kind in ("symbol", "name") else -1

    def comparison(self, left: Node, begin: int) -> Node:
        """What follows the left side, which begins at a path of the reading, of a comparison, `between` or `in`."""
        symbol = self.advance().text
        if symbol == "in":
            return unary.membership(self, left, begin, ADDITION)
        # `= >= 2` compares with a range (10.3.2.7). Without the space, `=>` is more likely a slip of the pen.
        is_range = symbol in ("=", "!=") and self.token.space and self.at(*operators.RELATIONS)
        right = one_ended(self) if is_range else self.operation(ADDITION)
        if symbol in ("=", "!=") and (left.null or right.null):
            self.reading.mind(begin)
        if symbol != "between":
            return Node(operators.compare(symbol, left.code, right.code, self.place), truth=True)
        self.expect("and")
        bounds = (
            operators.compare(">=", left.code, right.code, self.place),
            operators.compare("<=", left.code, self.operation(ADDITION).code, self.place),
        )
        return Node(operators.connect(bounds, decisive=False), truth=True)

    def signed(self) -> Node:
        """Signs, then an operand. Two signs cancel, but still refuse what cannot have one."""
        signs = 0
        while self.at("-") and self.tokens[self.index + 1].kind != "number":
            self.index += 1
            signs += 1
        node = self.operand()
        if not signs:
            return node
        code = operators.negate(node.code, self.place)
        if signs % 2 == 0:
            code = operators.negate(code, self.place)
        probe = Run()
        if node.constant and (value := code({}, probe)) is not None:
            return constant(value)
        return Node(code)

    def operand(self) -> Node:
        """A primary expression, and the members, filters and arguments behind it."""
        begin = len(self.reading.paths)
        node = primary(self)
        for _ in range(CHAIN):
            if self.take("."):
                member = self.member_name()
                path = self.read_member(node.path, member)
                node = Node(operators.path(node.code, member, self.place), path=path)
            elif self.at("[") and not self.in_endpoint:
                node = self.filter(node)
            elif self.take("("):
                node = self.call(node)
            elif not self.vocabulary.dialect.late_instance and self.take("instance"):
                node = self.instance(node, begin)
            else:
                return node
        raise FeelSyntaxError(f"more than {CHAIN} members, filters and calls in a row", self.token.position)

    def filter(self, base: Node) -> Node:
        """`[condition]` or `[number]`."""
        start = self.index
        self.expect("[")
        outer, self.borrowed = self.borrowed, set()
        begin = len(self.reading.paths)
        condition = self.condition()
        borrowed, self.borrowed = frozenset(self.borrowed), outer
        cost = self.cost(start)
        if borrowed and (other := self.reread(start + 1)) is not None:
            condition = iteration.either(borrowed, condition, other)
        items = iteration.listed(base.code, self.place) if self.vocabulary.dialect.lists_alone else base.code
        condition = Condition.since(begin, condition, "a filter", self.reading, self.place)
        return Node(iteration.filtered(items, condition, cost, self.place))

    def condition(self) -> Code:
        """What stands in the brackets of a filter, and the closing one."""
        self.filters += 1
        with self.nested("item"):
            code = self.operation(0).code
        self.filters -= 1
        self.expect("]")
        return code

    def reread(self, start: int) -> Code | None:
        """The condition of a filter without the names that only its items may have: `a-b` as a difference.

        None where that is no expression up to the same bracket, or where too much has been read twice already.
        """
        end, filters, depth = self.index, self.filters, self.depth
        if self.plain or self.rereads == REREADS:
            return None
        self.rereads += 1
        self.index, self.plain, names, endpoint = start, True, self.names, self.in_endpoint
        try:
            code = self.condition()
            return code if self.index == end else None
        except FeelSyntaxError:
            self.names, self.in_endpoint, self.filters, self.depth = names, endpoint, filters, depth
            return None
        finally:
            self.index, self.plain = end, False

    def call(self, callee: Node) -> Node:
        """Arguments, after their opening bracket."""
        position = self.token.position
        by_name: dict[str, Code] = {}
        by_position: list[Code] = []
        begin, null_tests, asks = len(self.reading.paths), self.null_tests, _asks_for_null(callee)
        while not self.at(")"):
            name = self.argument_name()
            first = name == "value" or not (name or by_position)
            start = len(self.reading.paths)
            argument = self.argument(first and callee.builtin in ASKS_FOR_NULL)
            if first and asks:
                self.reading.mind(start)
            self.null_tests += argument.null
            if name is None:
                by_position.append(argument.code)
            else:
                by_name[name] = argument.code
            if not self.take(","):
                break
        if by_name and by_position:
            raise FeelSyntaxError("arguments are given by name or by position, not both", self.token.position)
        if not self.vocabulary.dialect.backticks and len(by_position) in CAMUNDA_ARGUMENTS.get(callee.builtin, ()):
            raise FeelSyntaxError(undeclared(f"{callee.builtin}() with {len(by_position)} arguments"), position)
        self.expect(")")
        if self.null_tests > null_tests:
            self.reading.mind(begin)
        self.null_tests = null_tests
        if by_name:
            return Node(calls.call_by_name(callee.code, by_name, self.place))
        return Node(calls.call(callee.code, by_position, self.place))

    def argument(self, spared: bool) -> Node:
        """One argument; what is missing in one that is `spared` is null, and no problem."""
        self.sparing += spared
        node = self.expression()
        self.sparing -= spared
        return node._replace(code=calls.spared(node.code)) if spared else node

    def argument_name(self) -> str | None:
        """`name:` in front of an argument."""
        end = self.index + 1 if self.token.kind == "quoted" else self.end_of_name(self.index, keywords=True)
        if end == self.index or self.tokens[end].text != ":":
            return None
        name = spelled(self.tokens[self.index : end])
        self.index = end + 1
        return name

    def instance(self, node: Node, begin: int) -> Node:
        """`of type`, behind `instance` and an operand that begins at a path of the reading. Null is an instance of Null
        alone (Table 54), and types conform to each other whatever values they allow (10.3.2.9.2).
        """
        self.expect("of")
        wanted, operand = type_name(self).whole, node.code
        if wanted is NULL:
            self.reading.mind(begin)
        by_form = node.type is not ANY and conforms(node.type, wanted)

        def check(scope: Scope, run: Run) -> bool:
            value = operand(scope, run)
            return by_form or (wanted.accepts(value, run) and (value is not None or wanted is NULL))

        return Node(check, truth=True)


def _asks_for_null(callee: Node) -> bool:
    """Whether a built-in is called in order to ask whether something is there."""
    function = callee.code({}, Run()) if callee.constant else None
    if not isinstance(function, Function):
        return False
    if callee.builtin not in ASKING_IF_ANSWERED:
        return callee.builtin in ASKS_FOR_NULL
    try:
        return function.call([None], Run()) is not None
    except FeelError:
        return False


def parse_expression(text: str, vocabulary: Vocabulary, place: Place) -> Node:
    """Compile the text of an expression. Raises FeelSyntaxError."""
    parser = Parser(text, vocabulary, place)
    parser.reads_plus = True
    node = parser.expression()
    parser.end()
    return node


def parse_unary_tests(text: str, vocabulary: Vocabulary, place: Place) -> Test | None:
    """Compile the text of a cell; None for one that every value passes. Raises FeelSyntaxError."""
    if text.strip() in ("", "-"):
        return None
    return unary.tests(lambda: Parser(text, vocabulary, place))
