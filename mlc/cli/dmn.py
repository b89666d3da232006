"""``mlc dmn``: what a decision table asks for, and what it says."""

from typing import Annotated

import typer

from mlc.cli.dmn_inputs import InputFile, InputPairs, Now, TableFile, TableFiles, inputs_of, moment_of
from mlc.cli.dmn_show import show
from mlc.cli.dmn_test import run_cases

dmn = typer.Typer(help="Decision tables (DMN).", no_args_is_help=True, rich_markup_mode=None)


@dmn.command()
def check(files: TableFiles) -> None:
    """Say whether decision tables can be used, and what they ask for. Exit code 1: one of them can't."""
    from mlc.dmn.report import check_report

    reports = [check_report(file) for file in files]
    typer.echo("\n\n".join(report for report, _ in reports))
    raise typer.Exit(0 if all(usable for _, usable in reports) else 1)


@dmn.command("eval")
def evaluate(
    file: TableFile,
    pairs: InputPairs = None,
    values: InputFile = None,
    decision: Annotated[str | None, typer.Option(help="Which decision or service, if there are several.")] = None,
    now: Now = None,
) -> None:
    """Evaluate a decision table. Exit code 1: the evaluation reported problems, such as a missing input."""
    import mlc.dmn
    from mlc.dmn.report import evaluation_report

    inputs, moment = inputs_of(values, pairs or []), None if now is None else moment_of(now)
    try:
        evaluation = mlc.dmn.load(file).evaluate(inputs, decision, now=moment)
    except mlc.dmn.DmnError as error:
        first, *more = error.problems
        rest = f" ({len(more)} more: mlc dmn check {file})" if more else ""
        typer.echo(f"{first}{rest}", err=True)
        raise typer.Exit(1) from None
    typer.echo(evaluation_report(evaluation))
    raise typer.Exit(1 if evaluation.problems else 0)


dmn.command("test")(run_cases)
dmn.command()(show)
