"""What MLC_FILE_READ and MLC_FILE_WRITE allow, and what they don't, whatever an address tries."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mlc.model.file import FileRules, InputFile, OutputFile
from mlc.model.location import Location
from mlc.settings import FileSettings

READ = ["s3+lake://risk/data", "gcs+cold://archive", "azure+blob://box/a%20b", "sql+warehouse:", "http+files:///in"]
WRITE = ["s3+lake://risk/scores/"]
RULES = FileRules(read=READ, write=WRITE)


@pytest.mark.parametrize(
    "url",
    [
        "s3+lake://risk/data/in.csv",
        "S3+Lake://risk/data/in.csv",
        "s3+lake://risk/data",
        "s3+lake://risk/data/",
        "s3+lake://risk/data/*.parquet",
        "s3+lake://risk/d%61ta/a%20b%3Fc%23d%2A.csv",
        "gcs+cold://archive/any/thing.json",
        "azure+blob://box/a%20b/x",
        "sql+warehouse:",
        "sql+warehouse://",
        "http+files:///in/x.csv",
    ],
)
def test_what_lies_in_a_place_may_be_read(url: str) -> None:
    assert RULES.problem(url) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3+lake://risk/database/in.csv", "MLC_FILE_READ"),
        ("s3+lake://risk/dat", "MLC_FILE_READ"),
        ("s3+lake://risk/DATA/in.csv", "MLC_FILE_READ"),
        ("s3+lake://Risk/data/in.csv", "MLC_FILE_READ"),
        ("s3+lake://risk-data/data/in.csv", "MLC_FILE_READ"),
        ("s3+lake://risk/scores/in.csv", "MLC_FILE_READ"),
        ("s3+other://risk/data/in.csv", "MLC_FILE_READ"),
        ("gcs+lake://risk/data/in.csv", "MLC_FILE_READ"),
        ("s3+lake://risk/*/in.csv", "MLC_FILE_READ"),
        ("s3+lake://risk/da*/in.csv", "MLC_FILE_READ"),
        ("s3+lake://risk/data/../database/in.csv", "'..'"),
        ("s3+lake://risk/data/%2e%2e/database/in.csv", "'..'"),
        ("s3+lake://risk/data/%2E./x", "'..'"),
        ("s3+lake://risk/data%2f..%2fdatabase/x", "a character that no name has"),
        ("s3+lake://risk/data/./x", "'.'"),
        ("s3+lake://risk/data//x", "empty part"),
        ("s3+lake://risk//data/x", "empty part"),
        ("s3+lake://risk/data/x%00", "a character that no name has"),
        ("s3+lake://risk/data/x%0Ay", "a character that no name has"),
        ("s3+lake://risk/data/%ff", "no UTF-8"),
        ("s3+lake://risk/data/a b", "%20"),
        ("s3+lake://risk/da\tta/x", "can't be printed"),
        ("s3+lake://risk/data\\..\\x", "can't be printed"),
        ("s3+lake://r%69sk/data/x", "no bucket"),
        ("s3+lake:///data/x", "no bucket"),
        ("s3+lake://risk", "no file"),
        ("s3+lake:risk/data/x", "no bucket"),
        ("s3+la_ke://risk/data/x", "small letters"),
        ("s3+://risk/data/x", "small letters"),
        ("s3+lake://AKIA:word@risk/data/x", "MLC_CONNECTIONS"),
        ("s3+lake://word@risk/data/x", "MLC_CONNECTIONS"),
        ("s3+lake://risk:9000/data/x", "MLC_CONNECTIONS"),
        ("s3+lake://risk/data/x?X-Amz-Signature=word", "MLC_CONNECTIONS"),
        ("s3+lake://risk/data/x?", "MLC_CONNECTIONS"),
        ("s3+lake://risk/data/x#word", "MLC_CONNECTIONS"),
        ("sql+warehouse://me:word@db/name", "MLC_CONNECTIONS"),
        ("sql+warehouse://db", "no host"),
        ("sql+warehouse:name", "no path"),
        ("sql+other:", "MLC_FILE_READ"),
        ("http+files://host/in/x.csv", "no host"),
        ("http+files:///inside/x.csv", "MLC_FILE_READ"),
        ("http+files:///in/", "one file"),
        ("http+files:///in/*.csv", "one file"),
        ("s3://risk/data/x", "s3+NAME:"),
        ("gs://risk/data/x", "gcs+NAME:"),
        ("ftp+lake://risk/data/x", "not supported"),
        ("s3+lake://[risk/data/x", "can't be read"),
    ],
)
def test_what_lies_elsewhere_is_refused_without_repeating_what_may_be_a_secret(url: str, said: str) -> None:
    problem = RULES.problem(url)
    assert problem is not None
    assert said in problem
    assert "word" not in problem


def test_the_path_that_was_asked_for_and_those_that_are_allowed_are_named() -> None:
    rules = FileRules(read=["s3+lake://risk/in", "sql+warehouse:", "http+files:///in"], write=["s3+lake://risk/out"])
    assert rules.problem("s3+lake://risk/other/x%20y.csv") == (
        "the place 's3+lake://risk/other/x%20y.csv' is not allowed: MLC_FILE_READ allows s3+lake://risk/in, "
        "sql+warehouse:, http+files:///in. Add it, or what of it is meant, there."
    )
    assert rules.problem("s3+lake://risk/in/x.csv", write=True) == (
        "the place 's3+lake://risk/in/x.csv' is not allowed: MLC_FILE_WRITE allows s3+lake://risk/out. Add it, or what "
        "of it is meant, there."
    )
    assert FileRules().problem("sql+warehouse:") == (
        "the place 'sql+warehouse:' is not allowed: MLC_FILE_READ allows no place of a connection. Add it, or what of "
        "it is meant, there."
    )


@pytest.mark.parametrize("url", ["s3+lakes://risk/in/x.csv", "gcs+lake://risk/in/x.csv", "sql+lake:"])
def test_a_connection_whose_name_is_misspelt_is_told_so(url: str) -> None:
    named = url.partition(":")[0] + ":"
    assert FileRules(read=["s3+lake://risk/in"]).problem(url) == (
        f"no connection of the name {named!r} is allowed: MLC_FILE_READ allows s3+lake://risk/in. Is the name right? "
        "Else add what is meant there."
    )


def test_of_many_places_some_are_named_and_of_a_long_one_its_beginning() -> None:
    rules = FileRules(read=[f"s3+lake://risk/{'x' * 300}{n}" for n in range(9)])
    problem = str(rules.problem(f"s3+lake://risk/{'y' * 900}"))
    assert "and 4 more" in problem
    assert len(problem) < 1500


@pytest.mark.parametrize(
    "url", ["s3+lake://risk/a%20b/c", "s3+lake://risk/a/", "s3+lake://risk", "sql+warehouse:", "http+files:///in/x.csv"]
)
def test_a_location_is_written_as_it_was_read(url: str) -> None:
    assert str(Location.parse(url)) == url


def test_what_may_be_read_is_not_what_may_be_written() -> None:
    assert RULES.problem("s3+lake://risk/scores/out.csv", write=True) is None
    assert "MLC_FILE_WRITE" in str(RULES.problem("s3+lake://risk/data/out.csv", write=True))
    assert "one file" in str(RULES.problem("s3+lake://risk/scores/", write=True))
    assert "one file" in str(RULES.problem("s3+lake://risk/scores/*.csv", write=True))
    assert "only read" in str(FileRules(write=["sql+warehouse:"]).problem("sql+warehouse:", write=True))


def test_folders_and_hosts_are_places_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    rules = FileRules(
        read=[f"file://{tmp_path}/in", "files.example.org", "fd00::/8", "[fd12::5]:9000"],
        write=[f"file://{tmp_path}/out/", "10.1.2.0/24"],
    )
    for url, write, allowed in [
        (f"file://{tmp_path}/in/x.csv", False, True),
        (f"file://{tmp_path}/in/x.csv", True, False),
        (f"file://{tmp_path}/in/*.parquet", False, True),
        (f"file://{tmp_path}/in/", False, True),
        (f"file://{tmp_path}/inside/x.csv", False, False),
        (f"file://{tmp_path}/IN/x.csv", False, False),
        (f"file://{tmp_path}/in/../out/x.csv", False, False),
        (f"file://{tmp_path}/in/link/x.csv", False, False),
        (f"file://{tmp_path}/out/x.csv", True, True),
        (f"file://{tmp_path}/out/x.csv", False, False),
        (f"file://{tmp_path}/out/", True, False),
        ("https://files.example.org/x", False, True),
        ("https://files.example.org/x", True, False),
        ("http://[fd00::1]/x", False, True),
        ("http://[fd12::5]:9000/x", False, True),
        ("http://10.1.2.3/x", True, True),
        ("http://10.1.2.3/x", False, False),
    ]:
        assert (rules.problem(url, write=write) is None) is allowed, url


def test_the_older_names_allow_both(tmp_path: Path) -> None:
    rules = FileSettings(root=tmp_path, hosts=["files.example.org"]).rules
    for write in (False, True):
        assert rules.problem(f"file://{tmp_path}/x", write=write) is None
        assert rules.problem("https://files.example.org/x", write=write) is None


@pytest.mark.parametrize(
    "place",
    [
        "",
        "s3://risk",
        "s3+lake:",
        "s3+lake://risk/*",
        "s3+lake://risk/../x",
        "s3+lake://me:pw@risk/x",
        "https://files.example.org",
        "file://host/x",
        "file:///lake/../etc",
        "file:relative",
        "ftp://x/y",
    ],
)
def test_what_is_no_place_is_refused_when_the_settings_are_read(place: str) -> None:
    for setting in ("read", "write"):
        with pytest.raises(ValidationError):
            FileSettings(**{setting: [place]})


def test_a_database_can_not_be_among_what_is_written() -> None:
    FileSettings(read=["sql+warehouse:"])
    with pytest.raises(ValidationError, match="only read"):
        FileSettings(write=["sql+warehouse:"])


@pytest.mark.parametrize(
    "given",
    [
        {"url": "sql+warehouse:"},
        {"url": "file:///x", "query": "SELECT 1"},
        {"asset_id": "a", "query": "SELECT 1"},
        {"url": "file:///x", "parameters": {"a": 1}},
        {"url": "sql+warehouse:", "query": ""},
    ],
)
def test_a_query_goes_with_a_database_and_with_nothing_else(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        InputFile(**given)
    assert InputFile(url="sql+warehouse:", query="SELECT :a", parameters={"a": 1}).query == "SELECT :a"


def test_the_formats_are_these() -> None:
    for name in ("CSV", "JSON", "PARQUET", "ARROW"):
        assert OutputFile(url="file:///x", file_format=name).file_format == name
    with pytest.raises(ValidationError):
        InputFile(url="file:///x", file_format="AVRO")
