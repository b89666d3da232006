"""Which addresses jobs may read and write."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mlc.model.file import FileRules, InputFile

HOSTS = ["files.example.org", "localhost:8080"]


@pytest.mark.parametrize(
    "url",
    [
        "file://{root}/in.csv",
        "file://localhost{root}/a/b.json",
        "https://files.example.org/in.csv",
        "http://localhost:8080/x",
    ],
)
def test_an_address_below_the_root_or_on_an_allowed_host_may_be_used(tmp_path: Path, url: str) -> None:
    assert FileRules(root=tmp_path, hosts=HOSTS).problem(url.format(root=tmp_path)) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "MLC_FILE_ROOT"),
        ("file://{root}/../x.csv", "MLC_FILE_ROOT"),
        ("file://{root}/%2e%2e/x.csv", "MLC_FILE_ROOT"),
        ("file://{root}/link/passwd", "MLC_FILE_ROOT"),
        ("file://{root}/%00", "MLC_FILE_ROOT"),
        ("file://elsewhere{root}/in.csv", "MLC_FILE_ROOT"),
        ("https://files.example.org.evil.example/x", "MLC_FILE_HOSTS"),
        ("http://localhost/x", "MLC_FILE_HOSTS"),
        ("http://169.254.169.254/latest/meta-data", "MLC_FILE_HOSTS"),
        ("https://files.example.org@evil.example/x", "secret"),
        ("https://me:word@files.example.org/x", "secret"),
        ("https://files.example.org/x?X-Amz-Signature=word", "secret"),
        ("s3://bucket/in.csv", "'s3' addresses are not supported"),
        ("hdfs:///hadoop/in.csv", "'hdfs' addresses are not supported"),
        ("in.csv", "without a scheme"),
        ("https://[files/x", "can't be read"),
        ("https://files.example.org:port/x", "can't be read"),
    ],
)
def test_any_other_address_is_refused_with_what_to_do(tmp_path: Path, url: str, said: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    problem = FileRules(root=tmp_path, hosts=HOSTS).problem(url.format(root=tmp_path))
    assert problem is not None
    assert said in problem
    assert "word" not in problem


def test_nothing_is_allowed_unless_somebody_allows_it(tmp_path: Path) -> None:
    assert "MLC_FILE_ROOT" in str(FileRules().problem(f"file://{tmp_path}/in.csv"))
    assert "MLC_FILE_HOSTS" in str(FileRules().problem("https://files.example.org/in.csv"))


@pytest.mark.parametrize("given", [{}, {"asset_id": "a", "url": "file:///a"}])
def test_an_input_file_is_in_exactly_one_place(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either asset_id or url"):
        InputFile(**given)
