"""``mlc dmn show``: decision tables in the terminal."""

from mlc.cli.dmn_inputs import TableFile


def show(file: TableFile) -> None:
    """Show decision tables."""
