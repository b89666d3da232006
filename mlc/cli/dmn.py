"""``mlc dmn``: what a decision table asks for, and what it says."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

dmn = typer.Typer(help="Decision tables (DMN).", no_args_is_help=True, rich_markup_mode=None)

TableFile = Annotated[Path, typer.Argument(help="A DMN file.", exists=True, dir_okay=False)]
InputPairs = Annotated[list[str] | None, typer.Option("--input", help="name=value; the value as JSON, else text.")]
InputFile = Annotated[
    Path | None, typer.Option("--json", help="A JSON file with an object of inputs.", exists=True, dir_okay=False)
]


@dmn.command()
def check(file: TableFile) -> None:
    """Say whether a decision table can be used, and what it asks for. Exit code 1: it can't."""
    from mlc.dmn.report import check_report

    report, usable = check_report(file)
    typer.echo(report)
    raise typer.Exit(0 if usable else 1)


@dmn.command("eval")
def evaluate(
    file: TableFile,
    pairs: InputPairs = None,
    values: InputFile = None,
    decision: Annotated[str | None, typer.Option(help="Which decision, if there are several.")] = None,
) -> None:
    """Evaluate a decision table. Exit code 1: the evaluation reported problems, such as a missing input."""
    import mlc.dmn
    from mlc.dmn.report import evaluation_report

    evaluation = mlc.dmn.load(file).evaluate(_inputs(values, pairs or []), decision)
    typer.echo(evaluation_report(evaluation))
    raise typer.Exit(1 if evaluation.problems else 0)


def _inputs(file: Path | None, pairs: list[str]) -> dict[str, Any]:
    try:
        inputs: Any = json.loads(file.read_text()) if file else {}
    except ValueError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}.") from None
    if not isinstance(inputs, dict):
        raise typer.BadParameter(f"{file} holds no JSON object.")
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"--input {pair}: write name=value.")
        try:
            inputs[name] = json.loads(text)
        except ValueError:
            inputs[name] = text
    return inputs
