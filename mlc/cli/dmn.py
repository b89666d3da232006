"""``mlc dmn``: what a decision table asks for, and what it says."""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

dmn = typer.Typer(help="Decision tables (DMN).", no_args_is_help=True, rich_markup_mode=None)

TableFile = Annotated[Path, typer.Argument(help="A DMN file.", exists=True, dir_okay=False)]
CheckedFiles = Annotated[
    list[str], typer.Argument(metavar="PATH", help="DMN files, or folders of *.dmn files; - for stdin.")
]
InputPairs = Annotated[list[str] | None, typer.Option("--input", help="name=value; the value as JSON, else text.")]
#: `mlc.dmn.model.MAX_BYTES`, which is not imported before a command needs it.
MAX_BYTES = 1_048_576
MaxBytes = Annotated[int, typer.Option("--max-bytes", min=1, help="Largest file, with all that it imports, in bytes.")]
Dialect = Annotated[str | None, typer.Option(help="What its FEEL is, feel or camunda. Else, what the file declares.")]
InputFile = Annotated[str | None, typer.Option("--json", help="File with a JSON object of inputs; - for stdin.")]


class FailOn(StrEnum):
    """What the analysis calls the severities: the engine is loaded by the commands that need it."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dmn.command()
def check(  # noqa: PLR0917 - one for each option
    files: CheckedFiles,
    as_json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON.")] = False,
    fail_on: Annotated[FailOn, typer.Option(help="From what on the exit code is 1.")] = FailOn.ERROR,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Don't list decisions and inputs.")] = False,
    dialect: Dialect = None,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Say what is wrong with decision tables, or may surprise their author, and what they ask for.

    Findings are errors (the table can't be used), warnings (they may change a verdict unnoticed) and hints.
    docs/dmn-analysis.md has all kinds.

    Exit code: 0 nothing as bad as --fail-on; 1 something; 2 a file that can't be read, or a mistyped command.
    """
    from mlc.cli.dmn_check import check_files

    _known(dialect)
    code = check_files(files, fail_on=fail_on.value, as_json=as_json, quiet=quiet, dialect=dialect, max_bytes=max_bytes)
    raise typer.Exit(code)


@dmn.command("eval")
def evaluate(  # noqa: PLR0917 - one for each option
    file: TableFile,
    pairs: InputPairs = None,
    values: InputFile = None,
    decision: Annotated[str | None, typer.Option(help="Which decision or service, if there are several.")] = None,
    now: Annotated[str | None, typer.Option(help="The time to judge at: 2026-07-31T10:00:00Z. Else, this one.")] = None,
    dialect: Dialect = None,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Evaluate a decision table. Exit code 1: the evaluation reported problems, such as a missing input."""
    import mlc.dmn
    from mlc.dmn.report import evaluation_report

    _known(dialect)
    inputs, moment = _inputs(values, pairs or []), None if now is None else _moment(now)
    try:
        model = mlc.dmn.load(file, dialect=dialect, max_bytes=max_bytes)
        evaluation = model.evaluate(inputs, decision, now=moment)
    except mlc.dmn.DmnError as error:
        first, *more = error.problems
        rest = f" ({len(more)} more: mlc dmn check {file})" if more else ""
        typer.echo(f"{first}{rest}", err=True)
        raise typer.Exit(1) from None
    typer.echo(evaluation_report(evaluation))
    raise typer.Exit(1 if evaluation.problems else 0)


def _inputs(file: str | None, pairs: list[str]) -> dict[str, Any]:
    """Inputs by name: those of the file, and over them the pairs."""
    try:
        inputs = _json(_text(file)) if file else {}
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}.") from None
    if not isinstance(inputs, dict):
        raise typer.BadParameter(f"{file} holds no JSON object.")
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"--input {pair}: write name=value.")
        try:
            inputs[name] = _json(text)
        except (ValueError, RecursionError):
            inputs[name] = text
    return inputs


def _known(dialect: str | None) -> None:
    """Refuse a dialect that there isn't."""
    from mlc.dmn.feel.dialects import DIALECTS

    if dialect is not None and dialect not in DIALECTS:
        raise typer.BadParameter(f"--dialect {dialect}: write {' or '.join(DIALECTS)}.")


def _moment(text: str) -> datetime:
    """A time in ISO 8601, with its offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--now {text}: write a date and time such as 2026-07-31T10:00:00Z.") from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"--now {text} has no time zone: write Z behind it for UTC, or an offset like +02:00.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise typer.BadParameter(f"--now {text} is no time in UTC.") from None


def _text(file: str) -> str:
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def _json(text: str) -> Any:
    """JSON whose numbers keep every digit."""
    return json.loads(text, parse_float=Decimal)
