"""``mlc token``, typed as a user types it, against a real centre."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cli_process import called, mlc
from served_centre import TOKEN, served


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path) as address:
        yield address


def test_a_token_is_issued_used_listed_and_revoked(tmp_path: Path, url: str) -> None:
    settings = {"MLC_CENTER_URL": url, "MLC_CENTER_TOKEN": TOKEN}
    assert called(tmp_path, "token", "list", **settings).stdout == "No runtime has a token.\n"
    made = mlc(tmp_path, "token", "issue", "batch-prod", **settings)
    assert made.returncode == 0
    token = made.stdout.strip()
    assert token.startswith("mlcr_")
    assert "\n" not in token, "so that a script may take what stands there"
    assert "MLC_CENTER_TOKEN where the runtime batch-prod runs" in made.stderr
    assert token not in made.stderr
    assert httpx.get(f"{url}/engines", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    again = json.loads(called(tmp_path, "token", "issue", "batch-prod", "--json", **settings).stdout)
    assert (again["name"], again["previousUntil"] is None) == ("batch-prod", False)
    listed = json.loads(called(tmp_path, "token", "list", "--json", **settings).stdout)["tokens"]
    assert [(each["name"], each["used"] is None, each["until"] is None) for each in listed] == [
        ("batch-prod", True, True),
        ("batch-prod", False, False),
    ]
    shown = called(tmp_path, "token", "list", **settings).stdout
    assert "never" in shown
    assert token not in shown
    assert again["token"] not in shown
    gone = called(tmp_path, "token", "revoke", "batch-prod", **settings)
    assert (gone.returncode, gone.stdout) == (0, "2 tokens of the runtime batch-prod revoked.\n")
    assert httpx.get(f"{url}/engines", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    nothing = called(tmp_path, "token", "revoke", "batch-prod", **settings)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "No runtime 'batch-prod' has a token" in nothing.stderr


def test_what_is_wrong_is_one_sentence_without_secrets(tmp_path: Path, url: str) -> None:
    settings = {"MLC_CENTER_URL": url, "MLC_CENTER_TOKEN": TOKEN}
    runtimes = called(tmp_path, "token", "issue", "a", **settings).stdout.strip()
    for arguments, more, said in (
        (("issue", "a/b"), {}, "letters, digits"),
        (("revoke", ""), {}, "letters, digits"),
        (("issue", "b"), {"MLC_CENTER_TOKEN": runtimes}, "A runtime's token is not for this"),
        (("issue", "b"), {"MLC_CENTER_TOKEN": "mistyped"}, "did not accept MLC_CENTER_TOKEN"),
        (("list",), {"MLC_CENTER_TOKEN": ""}, "MLC_CENTER_TOKEN is not set"),
        (("list",), {"MLC_CENTER_URL": "http://127.0.0.1:1/model-manage/api"}, "check MLC_CENTER_URL"),
        (("list",), {"MLC_CENTER_URL": f"{url}/elsewhere"}, "no standalone model centre at MLC_CENTER_URL"),
    ):
        failed = called(tmp_path, "token", *arguments, **(settings | more))
        assert (failed.returncode, failed.stdout) == (1, ""), arguments
        assert said in failed.stderr, failed.stderr
        assert failed.stderr.count("\n") == 1
        assert "Traceback" not in failed.stderr
        for secret in (TOKEN, runtimes, "mistyped"):
            assert secret not in failed.stderr
