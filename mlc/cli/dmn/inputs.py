"""What the commands of ``mlc dmn`` take: inputs from options and files, and the time to judge at."""

import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

TableFile = Annotated[Path, typer.Argument(help="A DMN file.", exists=True, dir_okay=False)]
TableFiles = Annotated[list[Path], typer.Argument(help="DMN files.", exists=True, dir_okay=False)]
InputPairs = Annotated[list[str] | None, typer.Option("--input", help="name=value; the value as JSON, else text.")]
InputFile = Annotated[str | None, typer.Option("--json", help="File with a JSON object of inputs; - for stdin.")]
Dialect = Annotated[str | None, typer.Option(help="What its FEEL is, feel or camunda. Else, what the file declares.")]
#: `mlc.dmn.model.MAX_BYTES`, which is not imported before a command needs it.
MAX_BYTES = 1_048_576
MaxBytes = Annotated[int, typer.Option("--max-bytes", min=1, help="Largest file, with all that it imports, in bytes.")]
Now = Annotated[str | None, typer.Option(help="The time to judge at: 2026-07-31T10:00:00Z. Else, this one.")]


def inputs_of(file: str | None, pairs: list[str]) -> dict[str, Any]:
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


def known(dialect: str | None) -> None:
    """Refuse a dialect that there isn't."""
    from mlc.dmn.feel.dialects import DIALECTS

    if dialect is not None and dialect not in DIALECTS:
        raise typer.BadParameter(f"--dialect {dialect}: write {' or '.join(DIALECTS)}.")


def moment_of(text: str) -> datetime:
    """A time in ISO 8601, with its offset."""
    from mlc.dmn.testing.case import moment

    try:
        return moment(text)
    except ValueError as error:
        raise typer.BadParameter(f"--now {text}: {error}.") from None


def _text(file: str) -> str:
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def _json(text: str) -> Any:
    """JSON whose numbers keep every digit."""
    return json.loads(text, parse_float=Decimal)
