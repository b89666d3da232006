"""``mlc dmn show``: decision tables in the terminal, in DMN's usual notation."""

import os
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from mlc.cli.dmn.inputs import (
    MAX_BYTES,
    Dialect,
    InputFile,
    InputPairs,
    MaxBytes,
    Now,
    TableFile,
    inputs_of,
    known,
    moment_of,
)
from mlc.terminal import printable

if TYPE_CHECKING:
    from mlc.cli.dmn.grid import Grid
    from mlc.cli.dmn.marks import Marks
    from mlc.dmn import DecisionModel
    from mlc.dmn.notation import TableView

Styled = tuple[str, bool]


def show(
    file: TableFile,
    *,
    decision: Annotated[str | None, typer.Option(help="Only this decision, function or service.")] = None,
    pairs: InputPairs = None,
    values: InputFile = None,
    now: Now = None,
    dialect: Dialect = None,
    max_bytes: MaxBytes = MAX_BYTES,
    width: Annotated[int | None, typer.Option(min=20, max=10_000, help="Columns; else the terminal's.")] = None,
) -> None:
    """Show decision tables in the terminal. With inputs, mark what matched, and say what came of it.

    Exit code 1: the file can't be used, or the evaluation reported problems.
    """
    import mlc.dmn
    from mlc.cli.dmn.marks import legend, marked
    from mlc.dmn.notation import TableView, elements_of, notation

    known(dialect)
    asked = bool(pairs) or values is not None
    inputs, moment = inputs_of(values, pairs or []), None if now is None else moment_of(now)
    try:
        model = mlc.dmn.load(file, strict=False, dialect=dialect, max_bytes=max_bytes)
        if decision is not None and not elements_of(model, decision):
            model.asked_by(decision)
    except mlc.dmn.DmnError as error:
        typer.echo(printable(str(error.problems[0])), err=True)
        raise typer.Exit(1) from None
    problems, marks, reported = list(map(str, model.problems)), None, False
    reports: list[str] = []
    if asked and not problems:
        marks, reports, reported = marked(model, decision, inputs, moment)
    columns = width or shutil.get_terminal_size().columns
    for element in elements_of(model, decision):
        for part in notation(model, element):
            if isinstance(part, TableView):
                _say(_table(model, part, marks, columns))
            else:
                _say(_text(part.text, part.depth, columns))
        typer.echo()
    if marks is not None:
        _say(_text(legend(_ascii_only()), 0, columns))
    for line in reports:
        _say(_text(line, 0, columns))
    if problems:
        if asked:
            typer.echo("nothing is evaluated, since the file has problems", err=True)
        typer.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}: mlc dmn check {file}", err=True)
        for problem in problems[:20]:
            typer.echo(f"  {printable(problem)}", err=True)
    raise typer.Exit(1 if problems or reported else 0)


def _table(model: "DecisionModel", view: "TableView", marks: "Marks | None", width: int) -> Iterator[Styled]:
    """A table: with its rules below each other, else beside each other, else one by one, whatever the width takes."""
    from mlc.cli.dmn.grid import ASCII, UNICODE, WHOLE, Grid, drawn

    signs = marks.of(model, view) if marks is not None else None
    plain = _ascii_only()
    head = [[view.policy]]
    rows = [[[f"{signs.rule(number, plain)}{number}" if signs else str(number)]] for number in range(1, view.rules + 1)]
    for index, column in enumerate(view.columns):
        value = signs.value(index) if signs and column.kind == "input" else None
        head.append([printable(line) for text in column.head for line in text.splitlines()])
        head[-1] += [f"= {printable(value)}"] if value is not None else []
        for row, cell in enumerate(column.cells):
            sign = signs.cell(row + 1, index, plain) if signs and column.kind == "input" else ""
            rows[row].append([printable(line) for line in f"{sign}{cell}".splitlines()])
    kinds = [column.kind for column in view.columns]
    doubles = {1, *(index + 1 for index, kind in enumerate(kinds) if index and kind != kinds[index - 1])}
    grid = Grid(head, rows, frozenset(doubles))
    lines = ASCII if plain else UNICODE
    counted = signs.counted if signs else frozenset[int]()
    for whole in (WHOLE, 0):
        if (normal := drawn(grid, width, lines, whole)) is not None:
            yield from ((line, row is not None and row + 1 in counted) for line, row in normal)
            break
        if (turned := drawn(grid.turned(), width, lines, whole)) is not None:
            yield from ((line, False) for line, _ in turned)
            break
    else:
        yield from _one_by_one(grid, kinds, counted, width)
    if signs and signs.times != 1:
        yield (f"(evaluated {signs.times} times: the first is shown)" if signs.times else "(not evaluated)"), False


def _one_by_one(grid: "Grid", kinds: list[str], counted: frozenset[int], width: int) -> Iterator[Styled]:
    """What the head says, and each rule, below each other."""
    yield from _text(f"hit policy {grid.head[0][0]}", 0, width)
    for kind, head in zip(kinds, grid.head[1:], strict=True):
        if kind != "annotation":
            yield from _text(f"{kind} {', '.join(head)}", 1, width)
    for number, row in enumerate(grid.rows, 1):
        for line, _ in _text(f"rule {row[0][0]}", 0, width):
            yield line, number in counted
        for kind, head, cell in zip(kinds, grid.head[1:], row[1:], strict=True):
            if cell != ["-"] and "".join(cell):
                arrow = {"output": "-> ", "annotation": "# "}.get(kind, "")
                name = "" if kind == "annotation" else f"{head[0]}: "
                yield from _text(f"{arrow}{name}{' '.join(cell)}", 2, width)


def _text(text: str, depth: int, width: int) -> Iterator[Styled]:
    from mlc.cli.dmn.grid import wrapped

    indent = min(2 * depth, width // 2)
    given = len(text) - len(text.lstrip(" "))
    for line in wrapped([printable(text.lstrip(" "))], max(width - indent - given, 8)):
        yield " " * (indent + given) + line, False


def _say(lines: Iterator[Styled]) -> None:
    """Print lines, in bold those of rules that led to the result, where there is a terminal that wants it."""
    bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line, stressed in lines:
        typer.echo(typer.style(line, bold=True) if stressed and bold else line)


def _ascii_only() -> bool:
    """Whether the output can't hold the characters that tables are drawn with."""
    try:
        "│║─┼╫✓✗".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return True
    return False
