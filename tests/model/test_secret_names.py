"""What is taken for a secret by its name, and what is not."""

import json
from typing import Any

import pytest

from mlc.model.secret_names import HIDDEN, TOO_DEEP, names_secret, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "apiKey", "API-KEY", "apikey", "APIKEY", "x-api-key", "key", "Keys", "AWS_SECRET_ACCESS_KEY"),
        *("password", "dbPassword", "DB_PASSWORD", "passwd", "pwd", "client_secret", "clientSecret", "secrets"),
        *("token", "accessToken", "authtoken", "slack_token_url", "credentials", "db.credential", "sas_token", "jwt"),
        *("primary_key_password", "partition_key_token", "privatekeypem", "max_tokens_secret", "hub token"),
    ],
)
def test_a_name_that_tells_of_a_secret_is_one(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("primary_key_column", "primaryKey", "join_keys", "foreign_key", "partition-key", "key_columns"),
        *("keywords", "keyboard", "monkey", "tokenizer", "tokenizer_name", "max_tokens", "token_limit", "secretary"),
        *("compass", "passenger_count", "spin", "owner", "", "123", "passes", "accuracy"),
    ],
)
def test_a_name_in_which_such_a_word_only_begins_or_is_about_data_is_none(name: str) -> None:
    assert not names_secret(name)


def test_a_name_that_may_be_either_is_hidden() -> None:
    assert names_secret("key_metric")


def test_secrets_are_hidden_however_deep_they_are_and_nothing_else_changes() -> None:
    custom = {
        "Owner": "ada",
        "vault": {"api-key": "s3cr3t", "port": 1, "all": [{"password": "s3cr3t"}, "x"]},
        "tokens": ["s3cr3t"],
        "token": True,
        "secret": "",
        "settings": [{"name": "apiKey", "value": "s3cr3t"}, {"name": "region", "value": "eu"}],
    }
    shown = without_secrets(custom)
    assert "s3cr3t" not in json.dumps(shown)
    assert shown == {
        "Owner": "ada",
        "vault": {"api-key": HIDDEN, "port": 1, "all": [{"password": HIDDEN}, "x"]},
        "tokens": HIDDEN,
        "token": True,
        "secret": "",
        "settings": [{"name": "apiKey", "value": HIDDEN}, {"name": "region", "value": "eu"}],
    }


def test_what_is_nested_a_thousand_times_is_not_shown() -> None:
    deep: dict[str, Any] = {"password": "s3cr3t"}
    for _ in range(900):
        deep = {"a": deep}
    shown = json.dumps(without_secrets(deep))
    assert TOO_DEEP in shown
    assert "s3cr3t" not in shown
