"""``mlc schema``: the extended Avro schema by which monitors know what each column is."""

import json
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlc.cli.extra import RUNTIME, require
from mlc.terminal import printable

if TYPE_CHECKING:
    import pandas as pd

schema = typer.Typer(help="Extended Avro schemas.", no_args_is_help=True, rich_markup_mode=None)

RECORDS = 100_000


@schema.command()
def infer(
    file: Annotated[
        Path,
        typer.Argument(help="Data with the model's scores: CSV, JSON, Parquet, Arrow.", exists=True, dir_okay=False),
    ],
    *,
    name: Annotated[str, typer.Option(help="Name of the record, if not the file's.")] = "",
    records: Annotated[int, typer.Option(min=1, help="So many of the first records are looked at.")] = RECORDS,
    label: Annotated[str, typer.Option(help="The column with the label, if its name doesn't tell.")] = "",
    identifier: Annotated[str, typer.Option(help="The column that tells records apart.")] = "",
    score: Annotated[str, typer.Option(help="The column with the model's score.")] = "",
) -> None:
    """Print the extended schema of data, and say for which monitors it suffices.

    Roles and classes are guessed by the columns' names and values, and each field's `doc` says why: look at them,
    correct them, and put the file into the model's folder as its input schema (.avsc).
    """
    import mlc.monitors

    require("schema infer", RUNTIME)
    try:
        made = mlc.monitors.infer(
            _frame(file, records),
            name or file.name.partition(".")[0],
            label=label,
            identifier=identifier,
            score=score,
        )
    except mlc.monitors.MonitorError as error:
        raise typer.BadParameter(printable(f"{file}: {error}")) from None
    typer.echo(json.dumps(made, indent=2))
    for line in _told(made, file, records):
        typer.echo(printable(line), err=True)


def _told(made: dict[str, Any], file: Path, records: int) -> list[str]:
    """What is to be looked at, and what could be done with the schema as it is."""
    import mlc.monitors

    read = mlc.monitors.read_schema(made)
    lines = [f"Of the first {records:,} records of {file}. Look at each role and class; `doc` says how it was guessed."]
    for monitor in mlc.monitors.MONITORS.values():
        lacking = monitor.lacking(read)
        lines.append(f"{monitor.name}: {' '.join(lacking) or 'it suffices.'}")
    return lines


def _frame(file: Path, records: int) -> "pd.DataFrame":
    """The first records as a data frame.

    Raises:
        BadParameter: they can't be read.
    """
    import pandas as pd

    from mlc.runtime.formats import DATA_FORMATS, ending
    from mlc.runtime.harness.records import read_records
    from mlc.runtime.harness.unreadable import Broken, Unreadable

    form = DATA_FORMATS.get(ending(PurePosixPath(file.name)))
    if form is None or file.suffix == ".gz":
        known = ", ".join(sorted(DATA_FORMATS))
        raise typer.BadParameter(printable(f"{file}: its name's ending must tell its format: {known}."))
    try:
        rows = list(islice(read_records(file, form, file.name), records))
    except (Unreadable, OSError) as error:
        raise typer.BadParameter(printable(str(error))) from None
    broken = next((row for row in rows if isinstance(row, Broken)), None)
    if broken is not None:
        raise typer.BadParameter(printable(f"{file}: {broken.place} {broken.problem}."))
    if not rows:
        raise typer.BadParameter(printable(f"{file} holds no records: there is nothing to see of its columns."))
    if not all(isinstance(row, dict) for row in rows):
        raise typer.BadParameter(printable(f"{file} must hold objects, one a record."))
    return pd.DataFrame(rows)
