"""Row groups of a table that is written: large enough to be read fast, small enough that memory stays flat."""

import io

import pyarrow.parquet as pq
import pytest

from mlc.data import tables
from mlc.data.query import Batch


def row_groups(batches: int, rows: int, columns: int) -> list[int]:
    """Rows of each row group of so many batches."""
    names = [f"c{number}" for number in range(columns)]
    target = io.BytesIO()
    assert tables.write((Batch(names, [[1] * rows] * columns) for _ in range(batches)), target) == batches * rows
    metadata = pq.ParquetFile(target).metadata
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


@pytest.mark.parametrize(
    ("batches", "rows", "columns", "groups"),
    [
        (4, 60_000, 1, [120_000, 120_000]),
        (3, 99_999, 1, [199_998, 99_999]),
        (1, 250_000, 1, [250_000]),
        (25, 4, 1_000, [40, 40, 20]),
        (2, 0, 1, [0]),
    ],
)
def test_batches_are_put_together_until_there_are_rows_or_batches_enough(
    batches: int, rows: int, columns: int, groups: list[int]
) -> None:
    assert row_groups(batches, rows, columns) == groups
