"""Addresses that are the same by their characters: a batch job's outputs are none of its inputs, and none twice."""

from typing import Any

import pytest
from pydantic import ValidationError

from mlc.model.location import normal
from mlc.model.processes import RunBatchModelJobInput
from mlc.model.state import RunBatchModelJobStart

SAME = [
    ("file:///x/a.jsonl", "file:///x/./a.jsonl"),
    ("file:///x/a.jsonl", "file:///x//a.jsonl"),
    ("file:///x/a.jsonl", "file:////x/y/../a.jsonl"),
    ("file:///x/same.jsonl", "FILE:///x/%73ame.jsonl"),
    ("file:///x/a.jsonl", "file://localhost/x/a.jsonl"),
    ("file:///x/a.jsonl", "file:///x/a.jsonl?again"),
    ("s3+lake://bkt/a.csv", "s3+lake://bkt/%61.csv"),
    ("s3+lake://bkt/a.csv", "S3+Lake://bkt/a.csv"),
    ("http+files:///out/a.csv", "HTTP+FILES:///out/./%61.csv"),
    ("https://files.example.org/a.csv", "https://Files.Example.Org:443/%61.csv"),
]
OTHERS = [
    ("file:///x/a.jsonl", "file:///x/A.jsonl"),
    ("s3+lake://bkt/a.csv", "s3+pond://bkt/a.csv"),
    ("s3+lake://bkt/a.csv", "gcs+lake://bkt/a.csv"),
    ("https://files.example.org/a.csv?of=1", "https://files.example.org/a.csv?of=2"),
    ("https://files.example.org/a.csv", "http://files.example.org/a.csv"),
    ("https://[files/a", "https://[files/b"),
]


def asked(kind: type[RunBatchModelJobInput], inputs: list[str], outputs: list[str]) -> Any:
    files = {"input_files": [{"url": url} for url in inputs], "output_files": [{"url": url} for url in outputs]}
    return kind.model_validate({"tag": "fraud", **files})


@pytest.mark.parametrize(("one", "other"), SAME)
def test_an_output_that_is_an_input_in_another_spelling_is_refused(one: str, other: str) -> None:
    with pytest.raises(ValidationError, match="which it would overwrite"):
        asked(RunBatchModelJobInput, [one], [other])
    with pytest.raises(ValidationError, match="each needs its own"):
        asked(RunBatchModelJobInput, ["file:///in/1", "file:///in/2"], [one, other])


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_what_may_be_another_file_is_not(one: str, other: str) -> None:
    assert normal(one) != normal(other)
    asked(RunBatchModelJobInput, [one], [other])


def test_a_run_that_began_when_spellings_counted_is_read_as_ever() -> None:
    one, other = SAME[0]
    assert asked(RunBatchModelJobStart, [one], [other]).output_files[0].url == other
    with pytest.raises(ValidationError, match="which it would overwrite"):
        asked(RunBatchModelJobStart, [one], [one])
