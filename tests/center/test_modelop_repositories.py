"""ModelOp's S3 and SQL assets: where they say that their data lie, and which connection is meant by that."""

from typing import Any

import pytest

from mlc.center.modelop import wire
from mlc.center.modelop.assets import changed_asset, new_asset, read_asset
from mlc.center.modelop.settings import CenterSettings
from mlc.data.matching import BadData
from mlc.data.naming import named
from mlc.model.asset import Asset, AssetKind
from mlc.model.binding import bound_files
from mlc.model.connection import S3Connection, SqlConnection
from mlc.model.snapshot import Snapshot

SETTINGS = CenterSettings()
S3 = {"kind": "s3", "ambient": True}
CONNECTIONS = {
    "minio": S3Connection(**S3, endpoint="http://minio.corp:9000"),
    "aws": S3Connection(**S3, region="eu-central-1"),
    "renamed": S3Connection(**S3, endpoint="http://10.1.2.3:9000", known_as=["https://store.corp"]),
    "warehouse": SqlConnection(kind="sql", url="sqlite:////x", known_as=["jdbc:postgresql://db.corp:5432/risk"]),
}


def s3_asset(url: str, **info: Any) -> wire.Asset:
    document = {"name": "x.csv", "filename": "x.csv", "assetType": "EXTERNAL_FILE", "fileUrl": url}
    return wire.Asset.model_validate({**document, "repositoryInfo": {"repositoryType": "S3_REPOSITORY", **info}})


def sql_asset(uri: str, **more: Any) -> wire.Asset:
    info = {"repositoryType": "SQL_REPOSITORY", "connectionUri": uri}
    document = {"name": "rows", "assetType": "SQL", "sqlStatement": "SELECT 1 AS a", "repositoryInfo": info}
    return wire.Asset.model_validate({**document, **more})


@pytest.mark.parametrize(
    ("url", "info", "address"),
    [
        ("s3://risk/in/x.csv", {"host": "minio.corp", "port": 9000, "secure": False}, "s3+minio://risk/in/x.csv"),
        ("s3a://risk/x.csv", {"host": "http://MinIO.corp", "port": 9000, "secure": False}, "s3+minio://risk/x.csv"),
        (
            "http://minio.corp:9000/risk/x.csv",
            {"host": "minio.corp", "port": 9000, "secure": False},
            "s3+minio://risk/x.csv",
        ),
        ("s3://risk/x.csv", {"host": "store.corp", "port": 443, "secure": True}, "s3+renamed://risk/x.csv"),
        ("s3://risk/x.csv", {"host": "store.corp"}, "s3+renamed://risk/x.csv"),
        ("s3://risk/x.csv", {"host": "", "port": 0, "region": "eu-central-1"}, "s3+aws://risk/x.csv"),
        ("s3://risk/x.csv", {"host": "s3.eu-central-1.amazonaws.com", "secure": True}, "s3+aws://risk/x.csv"),
        ("s3+minio://risk/x.csv", {"host": "elsewhere"}, "s3+minio://risk/x.csv"),
    ],
)
def test_an_s3_asset_is_the_connection_with_its_endpoint(url: str, info: dict[str, Any], address: str) -> None:
    asset = read_asset(s3_asset(url, **info), SETTINGS)
    assert asset.address == url
    assert named(asset, CONNECTIONS).address == address


@pytest.mark.parametrize(
    "info", [{"host": "nobody.corp"}, {"host": "minio.corp"}, {"host": "minio.corp", "port": 9001}]
)
def test_a_store_that_no_connection_is_of_is_said(info: dict[str, Any]) -> None:
    with pytest.raises(BadData, match="no connection of MLC_CONNECTIONS is the S3 store"):
        named(read_asset(s3_asset("s3://risk/x.csv", **info), SETTINGS), CONNECTIONS)


def test_two_connections_of_one_store_are_said() -> None:
    twice = CONNECTIONS | {"other": CONNECTIONS["minio"]}
    asset = read_asset(s3_asset("s3://risk/x.csv", host="minio.corp", port=9000, secure=False), SETTINGS)
    with pytest.raises(BadData, match="minio and other of MLC_CONNECTIONS are both"):
        named(asset, twice)


def test_an_address_that_is_none_of_a_store_is_said() -> None:
    asset = read_asset(s3_asset("hdfs://risk/x.csv", host="minio.corp", port=9000, secure=False), SETTINGS)
    with pytest.raises(BadData, match="write s3://bucket/key"):
        named(asset, CONNECTIONS)


@pytest.mark.parametrize(
    "uri",
    [
        "sql+warehouse:",
        "jdbc:postgresql://db.corp:5432/risk",
        "jdbc:postgresql://db.corp:5432/risk?user=me&password=s3cr3t",
    ],
)
def test_a_query_is_of_the_connection_that_it_names(uri: str) -> None:
    asset = read_asset(sql_asset(uri, parameters={"a": 1}), SETTINGS)
    assert (asset.kind, asset.query, asset.parameters) == (AssetKind.QUERY, "SELECT 1 AS a", {"a": 1})
    assert named(asset, CONNECTIONS).address == "sql+warehouse:"
    assert "s3cr3t" not in repr(asset)


def test_an_account_in_an_address_is_not_kept() -> None:
    assert "s3cr3t" not in repr(read_asset(sql_asset("postgresql://me:s3cr3t@db.corp/risk"), SETTINGS))


@pytest.mark.parametrize(
    "strange", [{"repositoryInfo": "text"}, {"repositoryInfo": None}, {"sqlStatement": 7}, {"parameters": []}]
)
def test_what_is_no_query_is_still_read(strange: dict[str, Any]) -> None:
    asset = read_asset(sql_asset("sql+warehouse:", **strange), SETTINGS)
    assert asset.parameters == {}
    assert asset.name == "rows"


@pytest.mark.parametrize(
    "asset",
    [
        Asset(name="rows", kind=AssetKind.QUERY, address="sql+warehouse:", query="SELECT 1", parameters={"a": 1}),
        Asset(name="rows", kind=AssetKind.QUERY, repository="jdbc:postgresql://db.corp:5432/risk", query="SELECT 1"),
        Asset(name="x", kind=AssetKind.EXTERNAL, address="s3://risk/x", repository="http://minio.corp:9000"),
        Asset(name="x", kind=AssetKind.EXTERNAL, address="s3://risk/x", repository="https://store.corp"),
    ],
)
def test_what_is_written_is_read_again(asset: Asset) -> None:
    written = wire.Asset.model_validate(new_asset(asset, SETTINGS).wire())
    read = read_asset(written, SETTINGS)
    kept = {"kind", "address", "query", "parameters", "repository"}
    assert read.model_dump(include=kept) == asset.model_dump(include=kept)


def test_what_came_from_the_centre_goes_back_as_it_was() -> None:
    original = sql_asset("jdbc:postgresql://db.corp/risk?password=s3cr3t", extra="kept")
    changed = changed_asset(original, read_asset(original, SETTINGS).model_copy(update={"role": "TEST_DATA"}), SETTINGS)
    assert changed.wire() == original.wire() | {"assetRole": "TEST_DATA"}


def test_another_query_is_another_thing_that_was_approved() -> None:
    def bound(query: str) -> Any:
        return bound_files(
            Snapshot.model_validate(
                {
                    "id": "s",
                    "name": "s",
                    "model": {"id": "m", "name": "m"},
                    "assets": [Asset(name="rows", kind=AssetKind.QUERY, query=query)],
                }
            ),
            {},
        )

    assert bound("SELECT 1") != bound("SELECT 2")
