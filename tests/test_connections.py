"""Named connections: read from JSON or a file of it, and never told to anybody who doesn't open them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import SettingsError

from mlc.connections import ConnectionSettings

LAKE = {"kind": "s3", "endpoint": "http://minio.corp:9000", "region": "eu-1", "key": "AKIA", "secret": "s3cr3t"}
ALL = {
    "lake": LAKE,
    "cold": {"kind": "gcs", "credentials": '{"private_key": "s3cr3t"}'},
    "blob": {"kind": "azure", "account": "boxes", "signature": "s3cr3t"},
    "warehouse": {"kind": "sql", "url": "postgresql+pg8000://me@db/risk", "password": "s3cr3t"},
    "files": {"kind": "http", "endpoint": "https://files.corp", "token": "s3cr3t"},
}


def read(given: Any) -> ConnectionSettings:
    return ConnectionSettings(connections=given if isinstance(given, str) else json.dumps(given))


def test_they_are_read_from_the_variable_or_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "connections.json").write_text(json.dumps(ALL))
    for said in (json.dumps(ALL), str(tmp_path / "connections.json")):
        monkeypatch.setenv("MLC_CONNECTIONS", said)
        found = ConnectionSettings().by_name()
        assert {name: each.kind for name, each in found.items()} == {name: each["kind"] for name, each in ALL.items()}
    monkeypatch.delenv("MLC_CONNECTIONS")
    assert ConnectionSettings().by_name() == {}


def test_a_secret_that_changes_in_the_file_is_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"lake": LAKE}))
    settings = read(str(file))
    file.write_text(json.dumps({"lake": LAKE | {"secret": "another"}}))
    found: Any = settings.by_name()["lake"]
    assert found.secret.get_secret_value() == "another"


def test_nothing_that_is_shown_of_them_holds_a_secret() -> None:
    settings = read(ALL)
    assert "s3cr3t" not in f"{settings!r} {settings} {settings.by_name()!r} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lake": LAKE | {"kind": "ftp"}}, "lake"),
        ({"lake": {**LAKE, "secrets": "s3cr3t"}}, "lake.s3.secrets"),
        ({"lake": {"kind": "s3"}}, "one of key, ambient, anonymous"),
        ({"lake": LAKE | {"ambient": True}}, "it has key and ambient"),
        ({"lake": {"kind": "s3", "key": "AKIA"}}, "key and secret belong together"),
        ({"lake": {"kind": "s3", "ambient": True, "token": "s3cr3t"}}, "and token to them"),
        ({"lake": LAKE | {"endpoint": "http://me:s3cr3t@minio:9000"}}, "secrets into their own fields"),
        ({"lake": LAKE | {"endpoint": "minio:9000"}}, "write http://host:port"),
        ({"lake": LAKE | {"endpoint": "http://minio:port"}}, "write http://host:port"),
        ({"lake": LAKE | {"endpoint": "https://minio/?sig=s3cr3t"}}, "secrets into their own fields"),
        ({"files": {"kind": "http", "endpoint": "https://x", "user": "me"}}, "user and password"),
        ({"blob": {"kind": "azure", "account": "Not-One", "key": "s3cr3t"}}, "blob.azure.account"),
        ({"cold": {"kind": "gcs", "credentials": "s3cr3t"}}, "JSON of a service account"),
        ({"cold": {"kind": "gcs", "credentials": "[1]"}}, "JSON of a service account"),
        ({"La_ke": LAKE}, "no name of a connection"),
        ({"lake": "s3cr3t"}, "lake"),
        ("s3cr3t", "neither a JSON object nor the path"),
        ('{"lake": s3cr3t}', "can't be read as JSON (line 1, column 10)"),
        ('{"lake": {"kind": "s3", "key": "a", "key": "s3cr3t"}}', "a name twice"),
        ("{}", None),
        ("/", "neither a JSON object nor the path"),
    ],
)
def test_what_is_wrong_is_said_by_its_place_and_never_by_its_value(given: Any, said: str | None) -> None:
    if said is None:
        assert read(given).by_name() == {}
        return
    with pytest.raises(SettingsError, match="MLC_CONNECTIONS can't be used: ") as caught:
        read(given).by_name()
    assert said in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__
