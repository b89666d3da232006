"""``mlc account``, typed as a user types it."""

import json
import subprocess
from pathlib import Path

import pytest
from cli_process import BY_MODULE, called, environment, mlc

from mlc.standalone.access.accounts import passwords
from mlc.standalone.access.accounts.file import AccountFile


def test_an_account_is_added_given_a_token_disabled_and_removed(tmp_path: Path) -> None:
    assert called(tmp_path, "account", "list").stdout == "There are no accounts.\n"
    added = called(tmp_path, "account", "add", "Ada", "--role", "submitter", "--role", "READER")
    assert (added.returncode, added.stdout) == (0, "The account ada was added: reader, submitter.\n")
    made = mlc(tmp_path, "account", "token", "ada", "laptop")
    token = made.stdout.strip()
    assert token.startswith("mlca_")
    assert "\n" not in token, "so that a script may take what stands there"
    assert token not in made.stderr
    file = tmp_path / "accounts.jsonl"
    assert token not in file.read_text()
    [listed] = json.loads(called(tmp_path, "account", "list", "--json").stdout)["accounts"]
    assert (listed["name"], listed["roles"], listed["disabled"]) == ("ada", ["reader", "submitter"], False)
    assert [sorted(each) for each in listed["tokens"]] == [["issued", "name"]], "never its hash"
    assert "ada" in called(tmp_path, "account", "list").stdout
    assert called(tmp_path, "account", "roles", "ADA", "--role", "operator").stdout == "The account ada is operator.\n"
    assert called(tmp_path, "account", "disable", "ada").stdout == "The account ada is disabled.\n"
    assert "disabled" in called(tmp_path, "account", "list").stdout
    assert called(tmp_path, "account", "enable", "ada").stdout == "The account ada is enabled.\n"
    revoked = called(tmp_path, "account", "token", "ada", "laptop", "--revoke")
    assert revoked.stdout == "The token laptop of ada was revoked.\n"
    assert called(tmp_path, "account", "remove", "Ada").stdout == "The account ada was removed.\n"
    assert called(tmp_path, "account", "list").stdout == "There are no accounts.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "\u0430da", "--role", "reader"), "a to z, 0 to 9"),
        (("add", "ada", "--role", "boss"), "The roles are reader, submitter"),
        (("disable", "ada"), "There is no account ada."),
        (("token", "ada", "x"), "There is no account ada."),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    failed = called(tmp_path, "account", *arguments)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert said in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_another_file_is_named_by_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "people"
    settings = {"MLC_ACCOUNTS_FILE": str(file)}
    assert called(tmp_path, "account", "add", "ada", "--role", "reader", **settings).returncode == 0
    assert "ada" in file.read_text()
    assert not (tmp_path / "accounts.jsonl").exists()
    file.chmod(0o644)
    failed = called(tmp_path, "account", "list", **settings)
    assert (failed.returncode, failed.stderr) == (
        1,
        f"Others on this machine may read or change {file}: shut it with chmod 600.\n",
    )


def test_a_password_comes_from_standard_input_and_from_nowhere_else(tmp_path: Path) -> None:
    called(tmp_path, "account", "add", "ada", "--role", "approver")
    for typed, code, said in (
        ("correct horse battery\r\nmore\n", 0, "has a new password"),
        ("short\n", 1, "12 to 1024"),
        ("", 1, "12 to 1024"),
    ):
        set_ = subprocess.run(
            [*BY_MODULE, "account", "password", "Ada"],
            env=environment(tmp_path),
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert set_.returncode == code, set_.stderr
        assert said in set_.stdout + set_.stderr
        assert "horse" not in set_.stdout + set_.stderr
    kept = next(each.password for each in AccountFile(tmp_path / "accounts.jsonl").all())
    assert passwords.fits("correct horse battery", kept)
    [listed] = json.loads(called(tmp_path, "account", "list", "--json").stdout)["accounts"]
    assert sorted(listed) == ["disabled", "name", "roles", "tokens"], "neither hash nor key"
    assert called(tmp_path, "account", "password", "ada", "correct horse battery").returncode == 2
