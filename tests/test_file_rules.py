"""Which addresses jobs may read and write."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mlc.model.file import FileRules, InputFile
from mlc.settings import FileSettings

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


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("[::1]:9000", "http://[::1]:9000/x"),
        ("[::1]", "http://[::1]:9000/x"),
        ("::1", "http://[0:0:0:0:0:0:0:1]/x"),
        ("10.0.0.0/8", "http://10.1.2.3:9000/x"),
        ("10.1.2.3", "http://10.1.2.3/x"),
        ("Files.Example.Org", "https://files.EXAMPLE.org/x"),
        ("fd00::/8", "http://[fd00::1]/x"),
    ],
)
def test_an_address_or_a_network_is_listed_as_a_name_is(listed: str, url: str) -> None:
    assert FileRules(hosts=[listed]).problem(url) is None


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("[::1]:9000", "http://[::1]:9001/x"),
        ("10.0.0.0/8", "http://11.1.2.3/x"),
        ("10.0.0.0/8", "http://files.example.org/x"),
        ("files.example.org", "http://files.example.org./x"),
        ("files.example.org:443", "https://files.example.org/x"),
        ("127.0.0.1", "http://2130706433/x"),
        ("127.0.0.1", "http://127.1/x"),
        ("files.example.org", "http://files%2eexample.org/x"),
        ("files.example.org", "http://evil.example\\.files.example.org/x"),
    ],
)
def test_what_is_listed_allows_no_other_spelling_and_no_other_port(listed: str, url: str) -> None:
    assert "is not allowed" in str(FileRules(hosts=[listed]).problem(url))


@pytest.mark.parametrize(
    "entry",
    ["", " ", "http://files.example.org", "files.example.org/x", "a b:x", "u@h", "h:", "h:99999", "10.0.0.0/99"],
)
def test_an_entry_that_is_no_host_is_refused_when_the_settings_are_read(entry: str) -> None:
    with pytest.raises(ValidationError, match=r"is no host|does not appear to be"):
        FileSettings(hosts=[entry])


@pytest.mark.parametrize("place", ["loop", "loop/x.csv", "itself", "a" * 300, "a/" * 3000, "%00", "x%00y/z.csv"])
def test_links_that_go_round_and_names_that_nothing_has_are_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "loop")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    rules = FileRules(root=tmp_path)
    assert "MLC_FILE_ROOT" in str(rules.problem(f"file://{tmp_path}/{place}"))
    assert rules.obstacle(f"file://{tmp_path}/{place}") is None


def test_a_root_that_goes_round_in_a_circle_allows_nothing(tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to(tmp_path / "root")
    assert "MLC_FILE_ROOT" in str(FileRules(root=tmp_path / "root").problem(f"file://{tmp_path}/root/x.csv"))
