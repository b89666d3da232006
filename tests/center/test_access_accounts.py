"""The file of accounts: what it takes, how it is changed, and how a program that runs follows it."""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from account_lines import line, token, write

from mlc.standalone.access import random_tokens
from mlc.standalone.access.accounts import file as file_module
from mlc.standalone.access.accounts import reading
from mlc.standalone.access.accounts.account import (
    INCLUDES,
    MOST_TOKENS,
    Account,
    AccountRefused,
    AccountRole,
    account_name,
)
from mlc.standalone.access.accounts.document import BadAccounts
from mlc.standalone.access.accounts.file import AccountFile
from mlc.standalone.access.accounts.reading import SETTLED, Accounts

READER, SUBMITTER, OPERATOR = AccountRole.READER, AccountRole.SUBMITTER, AccountRole.OPERATOR


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "accounts.jsonl"


@pytest.fixture
def file(path: Path) -> AccountFile:
    return AccountFile(path, lambda: datetime(2026, 11, 30, tzinfo=UTC))


def test_which_role_includes_which() -> None:
    included = {role.value: sorted(INCLUDES[role]) for role in AccountRole}
    assert included == {
        "reader": ["reader"],
        "submitter": ["reader", "submitter"],
        "approver": ["approver", "reader"],
        "operator": sorted(AccountRole),
    }


def test_an_account_is_added_changed_and_removed(file: AccountFile, path: Path) -> None:
    assert file.all() == []
    assert not path.exists(), "reading makes nothing"
    file.add("ada", [SUBMITTER, READER, SUBMITTER])
    file.add("bob@example.com", [READER])
    assert [(each.name, each.roles) for each in file.all()] == [
        ("ada", (READER, SUBMITTER)),
        ("bob@example.com", (READER,)),
    ]
    assert file.set_roles("ada", [OPERATOR]).roles == (OPERATOR,)
    assert file.set_disabled("ada", True).disabled
    assert not file.set_disabled("ada", False).disabled
    file.remove("ada")
    assert [each.name for each in file.all()] == ["bob@example.com"]
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


def test_two_spellings_by_case_are_one_account(file: AccountFile) -> None:
    file.add("Ada", [READER])
    with pytest.raises(AccountRefused, match="There is an account ada already"):
        file.add("ADA", [OPERATOR])
    assert file.set_roles("aDa", [SUBMITTER]).roles == (SUBMITTER,)
    file.remove("ADA")
    assert file.all() == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "\u0430da",
        "ada\n",
        "ada\0",
        "\u0130",
        "\u212a",
        "\uff41da",
        "-a",
        ".",
        "a/b",
        "a" * 65,
        "a:b",
        "operator",
        "MLC",
    ],
)
def test_a_name_that_looks_like_another_or_is_none_is_refused(name: str, file: AccountFile) -> None:
    with pytest.raises(AccountRefused, match=r"\.$|choose another"):
        file.add(name, [READER])
    assert file.all() == []


def test_a_name_is_kept_in_small_letters() -> None:
    assert account_name("Ada.L@Example.COM") == "ada.l@example.com"


def test_what_is_refused_changes_nothing(file: AccountFile, path: Path) -> None:
    file.add("ada", [READER])
    file.issue("ada", "laptop")
    before = path.read_bytes()
    for refused, said in (
        (lambda: file.add("bob", []), "needs a role"),
        (lambda: file.set_roles("ada", []), "needs a role"),
        (lambda: file.set_roles("bob", [READER]), "There is no account bob"),
        (lambda: file.set_disabled("bob", True), "There is no account bob"),
        (lambda: file.remove("bob"), "There is no account bob"),
        (lambda: file.issue("bob", "x"), "There is no account bob"),
        (lambda: file.issue("ada", "laptop"), "has a token laptop already"),
        (lambda: file.issue("ada", "a b"), "letters, digits"),
        (lambda: file.revoke("ada", "Laptop"), "has no token 'Laptop'"),
    ):
        with pytest.raises(AccountRefused, match=said):
            refused()
    assert path.read_bytes() == before


def test_a_token_is_told_once_and_kept_as_a_hash(file: AccountFile, path: Path) -> None:
    file.add("ada", [READER])
    made = [file.issue("ada", name) for name in ("laptop", "ci")]
    assert all(token.startswith("mlca_") and token not in path.read_text() for token in made)
    accounts = Accounts(path)
    assert [found.name if (found := accounts.of_token(token)) else None for token in made] == ["ada", "ada"]
    file.revoke("ada", "ci")
    assert accounts.of_token(made[0]) is not None
    assert accounts.of_token(made[1]) is None


def test_an_account_has_so_many_tokens_and_no_more(path: Path, file: AccountFile) -> None:
    many = [token(f"t{number}", digest=random_tokens.digest_of(str(number))) for number in range(MOST_TOKENS)]
    write(path, line(tokens=many))
    with pytest.raises(AccountRefused, match="50 tokens already"):
        file.issue("ada", "one-more")


def test_what_people_write_between_the_accounts_stays(file: AccountFile, path: Path) -> None:
    write(path, "# the team", line("Ada"), "", "  # guests", line("bob"), end="end")
    file.set_disabled("ada", True)
    file.remove("bob")
    file.add("eve", [READER])
    lines = path.read_text().splitlines()
    assert lines[0::2][:2] == ["# the team", ""]
    assert json.loads(lines[4])["name"] == "eve"
    assert lines[3] == "  # guests"
    assert lines[-1] == "end"


def test_where_nothing_can_be_written_it_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    with pytest.raises(AccountRefused, match="can't be written"):
        AccountFile(tmp_path / "occupied" / "accounts.jsonl").add("ada", [READER])


def test_what_a_killed_command_left_is_in_nobodys_way(file: AccountFile, path: Path) -> None:
    file.add("ada", [READER])
    path.with_name("accounts.jsonl.draft").write_text("half of")
    file.add("bob", [READER])
    assert len(file.all()) == 2


def test_of_two_commands_at_once_the_second_waits_and_nothing_is_lost(
    file: AccountFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    sleep = file_module.time.sleep

    def waiting(seconds: float) -> None:
        waits.set()
        sleep(seconds)

    monkeypatch.setattr(file_module.time, "sleep", waiting)
    second = threading.Thread(target=file.add, args=("bob", [READER]))
    with file._changing() as document:  # the first command is at its work
        second.start()
        assert waits.wait(60)
        document.put(Account(name="ada", roles=(READER,)))
    second.join(60)
    assert [each.name for each in file.all()] == ["ada", "bob"]


def test_a_command_does_not_wait_for_ever(file: AccountFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.add("ada", [READER])
    monkeypatch.setattr(file_module, "PATIENCE", -1)
    with file._changing(), pytest.raises(AccountRefused, match=r"holds .*accounts.jsonl.lock"):
        file.add("bob", [READER])


def test_a_program_that_runs_follows_the_file(file: AccountFile, path: Path) -> None:
    accounts = Accounts(path)
    assert accounts.named("ada") is None
    file.add("ada", [READER])
    made = file.issue("ada", "laptop")
    assert accounts.of_token(made) is not None
    file.set_disabled("ada", True)
    assert accounts.of_token(made) is None
    known = accounts.named("ada")
    assert known is not None
    assert known.disabled
    file.set_disabled("ada", False)
    assert accounts.of_token(made) is not None
    path.unlink()
    assert accounts.of_token(made) is None
    assert accounts.named("ada") is None


def test_a_half_written_file_never_counts(file: AccountFile, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.add("ada", [READER])
    made = file.issue("ada", "laptop")
    accounts, whole = Accounts(path), path.read_text()
    for length in range(0, len(whole) - 1, 7):
        path.write_text(whole[:length])
        assert accounts.of_token(made) is not None
    path.chmod(0o644)
    assert accounts.of_token(made) is not None
    assert "accounts.jsonl" in caplog.text
    assert made not in caplog.text
    caplog.clear()
    accounts.of_token(made)
    assert not caplog.records, "each bad file is told once"
    path.chmod(0o600)
    path.write_text(whole.replace('"disabled":false', '"disabled":true'))
    assert accounts.of_token(made) is None


def test_what_changes_within_one_moment_of_the_clock_is_seen(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system tells no difference between the two, and the file had just been changed when it was read."""
    write(path, line(tokens=[token()]))
    changed = path.stat().st_mtime
    monkeypatch.setattr(reading, "_stamp", lambda _: (1,))
    soon = Accounts(path, now=lambda: changed)
    later = Accounts(path, now=lambda: changed + SETTLED + 1)
    write(path, line(tokens=[token()], disabled=True))
    os.utime(path, (changed, changed))
    assert soon.of_token("mlca_x") is None
    assert later.of_token("mlca_x") is not None, "it is not read again for each request"


def test_a_program_does_not_start_with_a_bad_file(path: Path) -> None:
    write(path, line(), end="")
    with pytest.raises(BadAccounts, match="not whole"):
        Accounts(path)


def test_what_is_no_accounts_token_is_nobodys(file: AccountFile, path: Path) -> None:
    file.add("ada", [READER])
    made = file.issue("ada", "laptop")
    accounts = Accounts(path)
    for wrong in ("", "mlca_", made[:-1], made + "x", made.upper(), "\ud800", f"mlcr_{made[5:]}", "x" * 100_000):
        assert accounts.of_token(wrong) is None
