"""Decision tables to code (DMN 1.5, clause 8): columns, cells and hit policy, each checked in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from . import elements as dmn
from .columns import InputColumn, OutputColumn, TableRule
from .errors import FeelSyntaxError, Kind, LimitExceededError, Place
from .expressions import CELL_INPUT, TextCompiler
from .feel import calls
from .feel.cursor import KEYWORDS
from .feel.parser import parse_expression
from .feel.reading import UNDER_TEST, Path, Reading, unminded
from .feel.run import Code, Run, Scope, Test, Value, nothing
from .feel.vocabulary import BUILTIN_NAMES, Vocabulary
from .script import is_script, known_language
from .tables import AGGREGATIONS, HIT_POLICIES, DecisionTable

#: A text that may be one name as a whole: words with single spaces, or operators without spaces, between them.
_NAME = re.compile(r"[^\W\d]\w*(?:[- ./'+*]\w+)*")
_ABSENT: Any = object()


def compile_table(compiler: TextCompiler, box: dmn.Table, vocabulary: Vocabulary, place: Place) -> Code:
    """The code of a decision table. What is wrong is reported to the compiler."""
    place = place.at(line=box.line)
    policy, aggregation = box.hit_policy.strip().upper(), (box.aggregation or "").strip().upper() or None
    if policy not in HIT_POLICIES:
        compiler.report(Kind.STRUCTURE, f'there is no hit policy "{box.hit_policy}"', place)
    if aggregation is not None and (aggregation not in AGGREGATIONS or policy != "COLLECT"):
        compiler.report(Kind.STRUCTURE, f"{policy} has no aggregation {aggregation}", place)
    if not box.outputs:
        compiler.report(Kind.STRUCTURE, "the table has no output", place)
    if not _complete(compiler, box, place):
        return nothing
    read = _Read()
    columns = [
        _input_column(
            compiler, clause, read.beginning(vocabulary), place.at(column=clause.label, line=clause.line), read
        )
        for clause in box.inputs
    ]
    names = {name for column in columns for name in (column.name, column.variable) if name}
    inner = read.beginning(vocabulary.inside(*names))
    outputs = _output_columns(compiler, box, inner, place, read)
    if policy in ("PRIORITY", "OUTPUT ORDER"):
        _priorities(compiler, box, outputs, place)
    rules = [
        _rule(compiler, rule, (columns, outputs, read), inner, place.at(rule=index, line=rule.line))
        for index, rule in enumerate(box.rules, 1)
    ]
    tested = {index for rule in rules for index, _ in rule.tests}
    for index, column in enumerate(columns):
        column.tests_null = index not in tested or read.asks_null_of(index, column)
        if index in tested:
            read.add(column.reads, column.place)
    return DecisionTable(
        place.decision or "", place, columns, outputs, rules, policy, aggregation, compiler.plain, read.unminded()
    )


class _Read:
    """What the expressions of a table read, with the first place of each, and of what they ask whether it is null."""

    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self.minds: set[Path] = set()
        self.asked: dict[int, set[str]] = {}

    def beginning(self, vocabulary: Vocabulary) -> Vocabulary:
        """The same vocabulary, whose next expression is read by itself."""
        return replace(vocabulary, reading=Reading())

    def add(self, paths: list[Path], place: Place) -> None:
        """Keep what is read there."""
        for path in paths:
            self.places.setdefault(path, place)

    def take(self, vocabulary: Vocabulary, place: Place, column: int | None = None) -> list[Path]:
        """Keep, and give, what the last expression read, a cell of an input column if one is named."""
        reading = vocabulary.reading
        if not (reading.paths or reading.minds):
            return []
        self.add(reading.paths, place)
        self.minds |= reading.minds
        if column is not None:
            self.asked.setdefault(column, set()).update(path[0] for path in reading.minds)
        vocabulary.reading = Reading()
        return reading.paths

    def asks_null_of(self, index: int, column: InputColumn) -> bool:
        """Whether a cell of a column asks whether the column's value is null, or names null for it."""
        return not self.asked.get(index, set()).isdisjoint((UNDER_TEST[0], CELL_INPUT, column.name, column.variable))

    def unminded(self) -> list[tuple[Path, Place]]:
        """What is read of which no expression of the table asks whether it is null."""
        return [(path, self.places[path]) for path in unminded(self.places, self.minds)]


def _complete(compiler: TextCompiler, box: dmn.Table, place: Place) -> bool:
    """Whether every rule has a cell for every column. No two rules have one id."""
    complete, ids = True, set()
    for index, rule in enumerate(box.rules, 1):
        for what, cells, heads in (("input", rule.inputs, box.inputs), ("output", rule.outputs, box.outputs)):
            if len(cells) != len(heads):
                message = f"the rule has {len(cells)} {what} cells, and the table {len(heads)} {what}s"
                compiler.report(Kind.STRUCTURE, message, place.at(rule=index, line=rule.line))
                complete = False
        if rule.id and rule.id in ids:
            here = place.at(rule=index, line=rule.line)
            compiler.report(Kind.DUPLICATE, f'another rule has the id "{rule.id}", too', here)
        ids.add(rule.id)
        if compiler.findings.full:
            break
    return complete


def _input_column(
    compiler: TextCompiler, clause: dmn.InputClause, vocabulary: Vocabulary, place: Place, read: _Read
) -> InputColumn:
    column = InputColumn(clause.label, nothing, compiler.types.find(clause.type_ref, place), place)
    text = " ".join(clause.expression.text.split())
    language = clause.expression.language or compiler.language
    if text and (clause.expression.outside or is_script(text, language) or not known_language(language)):
        column.code = compiler.text(clause.expression, vocabulary, place)
    elif text and clause.variable != text:
        column.name, column.code = _input_code(compiler, clause.expression, text, vocabulary, place)
        column.variable = clause.variable
    elif clause.variable:  # ModelOp's way: no expression, the input's name in camunda:inputVariable
        column.name, column.code = clause.variable, _asked(clause.variable, vocabulary, place)
    else:
        message = "the input has no expression; write the name of the input there, or in camunda:inputVariable"
        compiler.report(Kind.STRUCTURE, message, place)
    if column.name is None:
        column.reads = list(dict.fromkeys(vocabulary.reading.paths))
        read.minds |= vocabulary.reading.minds
    vocabulary.reading = Reading()
    if clause.allowed is not None and clause.allowed.text:
        column.allowed, column.allowed_text = compiler.cell(clause.allowed, vocabulary, place), clause.allowed.text
    return column


def _input_code(
    compiler: TextCompiler, source: dmn.Text, text: str, vocabulary: Vocabulary, place: Place
) -> tuple[str | None, Code]:
    """The name that an input expression is, if it is one, and its code.

    A metric's name may hold operators, "max-PValue": the whole text is looked up first, as a name. Only where that is
    not given, and all names of the expression that it would be are, it is the expression.
    """
    if not _NAME.fullmatch(text) or text in KEYWORDS or vocabulary.names.declares(text, until=BUILTIN_NAMES):
        declared = vocabulary.names.declares(text, until=BUILTIN_NAMES)
        return (text if declared else None), compiler.text(source, vocabulary, place)
    trial = replace(vocabulary, free={}, optional={}, instead={})
    try:
        code = parse_expression(text, trial, place).code
    except FeelSyntaxError:  # words that are no expression: a name with spaces
        return text, _asked(text, vocabulary, place)
    if text in trial.free or text in trial.optional:
        return text, _asked(text, vocabulary, place)
    if not trial.free or " " in text:
        for name, asked in trial.free.items():
            vocabulary.free.setdefault(name, asked)
        return None, code
    vocabulary.free.setdefault(text, place)
    vocabulary.instead[text] = tuple(trial.free)
    vocabulary.optional.update(dict.fromkeys(trial.free))

    def either(scope: Scope, run: Run) -> Value:
        value = scope.get(text, _ABSENT)
        return code(scope, run) if value is _ABSENT else value

    return text, either


def _asked(name: str, vocabulary: Vocabulary, place: Place) -> Code:
    """The code of an input's name, which must be given unless something in scope has the name."""
    vocabulary.needed.add(name)
    if not vocabulary.names.declares(name, until=BUILTIN_NAMES):
        vocabulary.free.setdefault(name, place)
    return lambda scope, run: scope.get(name)  # noqa: ARG005


def _output_columns(
    compiler: TextCompiler, box: dmn.Table, vocabulary: Vocabulary, place: Place, read: _Read
) -> list[OutputColumn]:
    columns: dict[str, OutputColumn] = {}
    for index, clause in enumerate(box.outputs, 1):
        fallback = (box.label or place.decision) if len(box.outputs) == 1 else None
        name = clause.name or clause.label or fallback or f"output {index}"
        here = place.at(column=name, line=clause.line)
        if name in columns:
            compiler.report(Kind.DUPLICATE, f'there are two outputs "{name}"', here)
            name = f"{name} {index}"
        column = OutputColumn(name, compiler.types.find(clause.type_ref, here), index=index - 1)
        if clause.allowed is not None and clause.allowed.text:
            column.allowed, column.allowed_text = compiler.cell(clause.allowed, vocabulary, here), clause.allowed.text
        if clause.default is not None and clause.default.text:
            code = compiler.text(clause.default, vocabulary, here)
            column.default = calls.typed(code, column.type, "the default output", here)
            read.take(vocabulary, here)
        columns[name] = column
    return list(columns.values())


def _priorities(compiler: TextCompiler, box: dmn.Table, columns: list[OutputColumn], place: Place) -> None:
    """Give the columns their output values in order: those of the clause, else those that its type allows (8.2.10)."""
    for clause, column in zip(box.outputs, columns, strict=True):
        values = clause.allowed or compiler.types.allowed(clause.type_ref)
        if values is not None and values.text:
            column.order = _listed(compiler, values, place.at(column=column.name, line=values.line))
    if not any(column.order for column in columns):
        policy = box.hit_policy.strip().upper()
        compiler.report(Kind.STRUCTURE, f"{policy} needs output values, from the highest priority down", place)


def _listed(compiler: TextCompiler, values: dmn.Text, place: Place) -> list[Value]:
    """The values that a text lists, worked out on loading; none, and reported, when that is too much work."""
    code = compiler.text(dmn.Text(f"[{values.text}]", values.language), compiler.types.vocabulary(), place)
    run = Run()
    try:
        found = code({}, run)
    except (LimitExceededError, RecursionError):
        compiler.report(Kind.LIMIT, "the output values take too long to work out", place)
        return []
    if run.clock is not None:
        compiler.report(Kind.STRUCTURE, "the output values must not depend on the time: their order is fixed", place)
        return []
    return found if isinstance(found, list) else []


def _rule(
    compiler: TextCompiler,
    rule: dmn.Rule,
    heads: tuple[list[InputColumn], list[OutputColumn], _Read],
    vocabulary: Vocabulary,
    place: Place,
) -> TableRule:
    columns, outputs, read = heads
    tests: list[tuple[int, Test]] = []
    codes: list[Code] = []
    fixed: list[bool] = []
    reads: dict[int, frozenset[str]] = {}
    for index, (text, column) in enumerate(zip(rule.inputs, columns, strict=True)):
        if text.text == "" or (text.text == "-" and not text.outside):
            continue
        test = compiler.plain_cell(text)
        if test is None:
            here = place.at(column=column.label, line=text.line)
            test = compiler.cell(text, vocabulary, here)
            if paths := read.take(vocabulary, here, index):
                reads[index] = frozenset(name for path in paths for name in (path[0], ".".join(path)))
        if test is not None:
            tests.append((index, test))
    for text, output in zip(rule.outputs, outputs, strict=True):
        code = compiler.fixed_value(text) if text.text else nothing
        here = place if code else place.at(column=output.name, line=text.line)
        codes.append(code or compiler.text(text, vocabulary, here))
        reads_nothing = bool(code) or not read.take(vocabulary, here)
        fixed.append(reads_nothing and (not text.text or codes[-1] is not nothing))  # what doesn't compile is not known
    texts = [text.text for text in rule.inputs]
    return TableRule(
        place.rule or 0, rule.id, tests, codes, texts, place, rule.annotation, rule.description, rule,
        fixed=tuple(fixed), reads=reads,
    )  # fmt: skip
