"""A job's files as the centre gets them: by address, as a query, or several as one."""

from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.job_files import external
from mlc.model.asset import AssetKind
from mlc.model.file import FileRules, InputFile, OutputFile

RULES = FileRules(root=Path("/lake"), read=["s3+lake://risk/in", "sql+warehouse:"], write=["s3+lake://risk/scores"])


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3+lake://risk/in/a%20b.csv", "a b.csv"),
        ("s3+lake://risk/in/2026-11/", "2026-11.parquet"),
        ("s3+lake://risk/in/*/x-*.parquet", "in.parquet"),
        ("file:///lake/t/", "t.parquet"),
        ("file:///lake/*", "lake.parquet"),
    ],
)
def test_what_has_no_name_gets_one_that_a_model_can_open(url: str, name: str) -> None:
    asset = external(InputFile(url=url), RULES)
    assert (asset.name, asset.kind, asset.address) == (name, AssetKind.EXTERNAL, url)
    assert external(InputFile(url=url, filename="own.parquet"), RULES).name == "own.parquet"


def test_a_query_goes_with_its_parameters() -> None:
    asset = external(InputFile(url="sql+warehouse:", query="SELECT :a", parameters={"a": 1}), RULES)
    assert (asset.kind, asset.query, asset.parameters) == (AssetKind.QUERY, "SELECT :a", {"a": 1})
    assert (asset.name, asset.address) == ("query.parquet", "sql+warehouse:")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (InputFile(url="s3+lake://risk/scores/x.csv"), "MLC_FILE_READ"),
        (OutputFile(url="s3+lake://risk/in/x.csv"), "MLC_FILE_WRITE"),
        (OutputFile(url="s3+lake://risk/scores/"), "one file"),
        (OutputFile(url="sql+warehouse:"), "only read"),
        (InputFile(url="s3+lake://me:s3cr3t@risk/in/x.csv"), "MLC_CONNECTIONS"),
    ],
)
def test_what_may_not_be_read_or_written_is_refused_for_good(file: InputFile | OutputFile, said: str) -> None:
    with pytest.raises(ApplicationError, match=said) as caught:
        external(file, RULES)
    assert caught.value.non_retryable
    assert "s3cr3t" not in str(caught.value)
