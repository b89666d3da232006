"""What is no file of accounts, and what is said of it."""

import os
from pathlib import Path

import pytest
from account_lines import line, token, write

from mlc.standalone.access.accounts.account import AccountRole
from mlc.standalone.access.accounts.document import HEAD, BadAccounts, Document
from mlc.standalone.access.accounts.file import LARGEST, AccountFile, read

READER = AccountRole.READER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "accounts.jsonl"


@pytest.fixture
def file(path: Path) -> AccountFile:
    return AccountFile(path)


BAD = {
    "no JSON": ([*HEAD, "ada"], "line 3: it is no JSON"),
    "a list": (["[]"], "line 1: "),
    "deep": (["[" * 100_000], "line 1: it is no JSON"),
    "a number too long": (['{"name": ' + "1" * 5000 + "}"], "line 1: it is no JSON"),
    "no name": (['{"roles": ["reader"]}'], "line 1: name: Field required"),
    "another's name": ([line("\u0430da")], "line 1: name: An account's name has"),
    "no role": ([line(roles=[])], "line 1: roles: "),
    "an unknown role": ([line(roles=["boss"])], "line 1: roles.0: Input should be"),
    "a role that is no list": ([line(roles="reader")], "line 1: roles: "),
    "null": ([line(disabled=None)], "line 1: disabled: "),
    "a word for a truth value": ([line(disabled="no")], "line 1: disabled: "),
    "a misspelt field": ([line(disabld=True)], "line 1: disabld: "),
    "a field twice": (['{"name": "a", "roles": ["reader"], "disabled": true, "disabled": false}'], "'disabled' stands"),
    "an account twice": ([line(), "", line("Ada")], "line 3: the account ada stands in line 1 already"),
    "two tokens of one name": (
        [line(tokens=[token(), token(digest="0" * 64)])],
        "line 1: two tokens have the same name",
    ),
    "one token of two accounts": (
        [line(tokens=[token()]), line("bob", tokens=[token()])],
        "line 2: the token laptop of bob stands in line 1 already",
    ),
    "no hash": ([line(tokens=[token(digest="mlca_secret")])], "line 1: tokens.0.digest: "),
    "a time without a zone": ([line(tokens=[token(issued="2026-11-30T00:00:00")])], "line 1: tokens.0.issued: "),
    "an end in between": ([line(), "end", line("bob")], "line 2: 'end' stands here"),
}


@pytest.mark.parametrize(("lines", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_a_sentence_with_its_line(path: Path, file: AccountFile, lines: list[str], said: str) -> None:
    write(path, *lines)
    before = path.read_bytes()
    with pytest.raises(BadAccounts) as told:
        file.add("new", [READER])
    assert said in str(told.value)
    assert str(told.value).startswith(f"{path}, line ")
    assert "mlca_secret" not in str(told.value)
    assert path.read_bytes() == before


def test_a_file_that_ends_anywhere_too_early_is_not_whole(file: AccountFile, path: Path) -> None:
    for name in ("ada", "bob"):
        file.add(name, [READER])
    text = path.read_text()
    for length in range(len(text) - 1):
        with pytest.raises(BadAccounts):
            Document(text[:length])
    assert len(Document(text[:-1]).accounts) == 2, "the last line's end is not needed"


def test_what_is_no_private_file_of_ours_is_refused(path: Path, file: AccountFile, tmp_path: Path) -> None:
    write(path, line())
    for mode in (0o640, 0o604, 0o602):
        path.chmod(mode)
        with pytest.raises(BadAccounts, match="chmod 600"):
            read(path)
    path.chmod(0o600)
    other = tmp_path / "other"
    path.rename(other)
    path.symlink_to(other)
    with pytest.raises(BadAccounts, match="is a link"):
        file.remove("ada")
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(BadAccounts, match="is no file"):
        read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadAccounts):
        read(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    write(path, line())
    os.chown(path, 12345, -1)
    with pytest.raises(BadAccounts, match="belongs to another user"):
        read(path)


def test_a_huge_file_and_one_in_no_encoding_are_refused(path: Path) -> None:
    write(path, line())
    with path.open("r+b") as huge:
        huge.truncate(LARGEST + 1)
    with pytest.raises(BadAccounts, match="larger than"):
        read(path)
    path.write_bytes(b"# x\n\xff\nend\n")
    with pytest.raises(BadAccounts, match="line 2: it is not in UTF-8"):
        read(path)
