"""Google's and Azure's stores: what is opened is what the connection says, whatever variables the machine has."""

import json
from typing import Any

import pytest

from mlc.data.stores import Store
from mlc.model.connection import AzureConnection, GcsConnection
from mlc.model.failure import Refused

KEY = "a2V5IG9mIG1pbmU="
OTHERS = {
    "AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=b3RoZXI=;DefaultEndpointsProtocol=https",
    "AZURE_STORAGE_ACCOUNT_KEY": "b3RoZXI=",
    "AZURE_STORAGE_SAS_TOKEN": "sig=other",
    "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def variables_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("opens", "endpoint", "url"),
    [
        ({"key": KEY}, None, "https://boxes.blob.core.windows.net/"),
        ({"key": KEY}, "http://127.0.0.1:10000/boxes", "http://127.0.0.1:10000/boxes/"),
        ({"signature": "?sv=1&sig=mine"}, None, "https://boxes.blob.core.windows.net/?sv=1&sig=mine"),
    ],
)
def test_azure_s_account_is_the_connection_s(opens: dict[str, str], endpoint: str | None, url: str) -> None:
    connection: Any = AzureConnection(kind="azure", account="boxes", endpoint=endpoint, **opens)
    client = Store("boxes", connection).files.service_client
    assert client.url == url
    assert client.account_name == "boxes"
    assert getattr(client.credential, "account_key", None) == opens.get("key")


def test_an_anonymous_connection_takes_no_account_of_the_machine_s() -> None:
    with pytest.raises(Refused, match="AZURE_STORAGE_"):
        Store("boxes", AzureConnection(kind="azure", account="boxes", anonymous=True))


def test_google_s_endpoint_and_account_are_the_connection_s() -> None:
    credentials = json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"})
    for endpoint in (None, "https://storage.example"):
        given: Any = {"kind": "gcs", "endpoint": endpoint}
        for opens in ({"anonymous": True}, {"credentials": credentials}):
            files = Store("cold", GcsConnection(**given, **opens)).files
            assert files._location == (endpoint or "https://storage.googleapis.com")
