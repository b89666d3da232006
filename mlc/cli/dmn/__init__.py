"""``mlc dmn``: what a decision table asks for, and what it says."""

from enum import StrEnum
from typing import Annotated

import typer

from mlc.cli.dmn.cases import run_cases
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
from mlc.cli.dmn.show import show

dmn = typer.Typer(help="Decision tables (DMN).", no_args_is_help=True, rich_markup_mode=None)

CheckedFiles = Annotated[
    list[str], typer.Argument(metavar="PATH", help="DMN files, or folders of *.dmn files; - for stdin.")
]


class FailOn(StrEnum):
    """What the analysis calls the severities: the engine is loaded by the commands that need it."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dmn.command()
def check(  # noqa: PLR0917 - one parameter for each option
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
    from mlc.cli.dmn.check import check_files

    known(dialect)
    raise typer.Exit(
        check_files(files, fail_on=fail_on.value, as_json=as_json, quiet=quiet, dialect=dialect, max_bytes=max_bytes)
    )


@dmn.command("eval")
def evaluate(  # noqa: PLR0917 - one parameter for each option
    file: TableFile,
    pairs: InputPairs = None,
    values: InputFile = None,
    decision: Annotated[str | None, typer.Option(help="Which decision or service, if there are several.")] = None,
    now: Now = None,
    dialect: Dialect = None,
    max_bytes: MaxBytes = MAX_BYTES,
) -> None:
    """Evaluate a decision table. Exit code 1: the evaluation reported problems, such as a missing input."""
    import mlc.dmn
    from mlc.dmn.report import evaluation_report

    known(dialect)
    inputs, moment = inputs_of(values, pairs or []), None if now is None else moment_of(now)
    try:
        evaluation = mlc.dmn.load(file, dialect=dialect, max_bytes=max_bytes).evaluate(inputs, decision, now=moment)
    except mlc.dmn.DmnError as error:
        first, *more = error.problems
        rest = f" ({len(more)} more: mlc dmn check {file})" if more else ""
        typer.echo(f"{first}{rest}", err=True)
        raise typer.Exit(1) from None
    typer.echo(evaluation_report(evaluation))
    raise typer.Exit(1 if evaluation.problems else 0)


dmn.command("test")(run_cases)
dmn.command()(show)
