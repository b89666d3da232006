"""Passwords, sessions and attempts, by a clock of the tests."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from mlc.settings import AccountSettings
from mlc.standalone.access import attempts as attempts_module
from mlc.standalone.access.accounts import passwords
from mlc.standalone.access.accounts.account import AccountRefused, AccountRole
from mlc.standalone.access.accounts.document import BadAccounts
from mlc.standalone.access.accounts.file import AccountFile
from mlc.standalone.access.attempts import OF_AN_ACCOUNT, OF_AN_ADDRESS, WINDOW, Attempts, TooManyAttempts, network
from mlc.standalone.access.sessions import Sessions

PASSWORD = "correct horse battery"
HERE = "127.0.0.1"
CHEAP = passwords.Cost(4, 1, 1)


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", CHEAP)


@pytest.fixture
def file(tmp_path: Path) -> AccountFile:
    file = AccountFile(tmp_path / "accounts.jsonl")
    for name in ("ada", "bob"):
        file.add(name, [AccountRole.READER])
        file.set_password(name, PASSWORD)
    return file


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(file: AccountFile, tmp_path: Path, clock: Clock) -> Sessions:
    life = {"session_life": timedelta(hours=10), "session_idle": timedelta(hours=1)}
    return Sessions(AccountSettings(file=tmp_path / "accounts.jsonl", **life), clock)


def begun(sessions: Sessions) -> str:
    cookie = sessions.begin("ada", PASSWORD, HERE)
    assert cookie is not None
    return cookie


def test_a_session_is_over_when_it_is_not_used(sessions: Sessions, clock: Clock) -> None:
    cookie = begun(sessions)
    clock.now += 3599
    assert sessions.account_of(cookie) is not None
    clock.now += 1
    assert sessions.account_of(cookie) is None
    assert sessions.renewed(cookie) is None


def test_a_session_that_is_used_is_over_after_its_life(sessions: Sessions, clock: Clock) -> None:
    cookie = begun(sessions)
    for _ in range(19):
        clock.now += 1800
        renewed = sessions.renewed(cookie)
        assert renewed is not None
        cookie = renewed
    clock.now += 1800
    assert sessions.account_of(cookie) is None


def test_nothing_of_a_cookie_can_be_changed(sessions: Sessions, clock: Clock) -> None:
    cookie = begun(sessions)
    name, at, used, signature = cookie.split(".")
    later = str(int(used) + 1)
    for changed in (
        f"Ym9i.{at}.{used}.{signature}",
        f"{name}.{later}.{used}.{signature}",
        f"{name}.{at}.{later}.{signature}",
        f"{name}.{at}.{used}.{'0' * 64}",
        f"{name}.{at}.{used}.{signature.upper()}",
        f"{name}=.{at}.{used}.{signature}",
        f"{name}.0{at}.{used}.{signature}",
        f"{name}.{at}.{used}.",
        f"{name}.{at}.{used}.{signature}.",
        cookie + "\n",
        "x" * 100_000,
        f"{'A' * 100}.1.1.{'0' * 64}",
    ):
        assert sessions.account_of(changed) is None, changed
    assert sessions.account_of(cookie) is not None


def test_programs_that_read_one_file_know_each_others_sessions(
    sessions: Sessions, tmp_path: Path, clock: Clock
) -> None:
    other = Sessions(AccountSettings(file=tmp_path / "accounts.jsonl"), clock)
    account = other.account_of(begun(sessions))
    assert account is not None
    assert account.name == "ada"


def test_a_session_is_no_other_accounts(sessions: Sessions, file: AccountFile) -> None:
    cookie = begun(sessions)
    file.set_password("bob", PASSWORD)
    assert sessions.account_of(cookie) is not None
    file.set_password("ada", PASSWORD)
    assert sessions.account_of(cookie) is None


def test_an_account_that_is_disabled_by_hand_has_no_session(sessions: Sessions, tmp_path: Path) -> None:
    """Only `mlc account` makes a new key with it."""
    cookie, path = begun(sessions), tmp_path / "accounts.jsonl"
    path.write_text(path.read_text().replace('"disabled":false', '"disabled":true'))
    assert sessions.account_of(cookie) is None
    assert sessions.begin("ada", PASSWORD, HERE) is None


def test_who_signs_in_again_and_again_is_let_in(sessions: Sessions) -> None:
    for _ in range(OF_AN_ADDRESS + 1):
        begun(sessions)


def test_a_password_is_kept_as_a_hash_that_differs_each_time() -> None:
    first, second = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert first != second
    assert PASSWORD not in first
    assert passwords.fits(PASSWORD, first)
    assert passwords.fits(PASSWORD, second)
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "\ud800" * 12):
        assert not passwords.fits(wrong, first)


def test_a_password_is_the_same_however_its_characters_were_typed() -> None:
    assert passwords.fits("gru\u0308\u00dfe aus Ko\u0308ln", passwords.hashed("gr\u00fc\u00dfe aus K\u00f6ln"))


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1025])
def test_a_password_that_is_too_short_or_too_long_is_refused(password: str, file: AccountFile, tmp_path: Path) -> None:
    before = (tmp_path / "accounts.jsonl").read_bytes()
    with pytest.raises(AccountRefused, match="12 to 1024"):
        file.set_password("ada", password)
    assert (tmp_path / "accounts.jsonl").read_bytes() == before


def test_what_is_longer_than_a_password_can_be_is_none() -> None:
    longest = "x" * 1024
    assert not passwords.fits(longest + "x", passwords.hashed(longest))


def test_what_is_set_takes_the_memory_that_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert 128 * passwords.COST.r * 2**passwords.COST.log2_n == 32 * 1024 * 1024
    assert passwords.is_kept("$".join(["scrypt", *map(str, passwords.COST), "0" * 32, "0" * 64]))


@pytest.mark.parametrize("kept", ["x", "scrypt$30$8$1$" + "0" * 32 + "$" + "0" * 64, "scrypt$0$8$1$00$00", ""])
def test_a_hash_that_would_take_for_ever_or_is_none_is_told_with_its_line(
    kept: str, file: AccountFile, tmp_path: Path
) -> None:
    path = tmp_path / "accounts.jsonl"
    password = next(account.password for account in file.all())
    path.write_text(path.read_text().replace(str(password), kept))
    with pytest.raises(BadAccounts, match="line 3: password: it is no hash"):
        file.all()


def test_attempts_are_counted_for_each_account_and_each_address() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(OF_AN_ACCOUNT):
        attempts.begin("ada", HERE)
    with pytest.raises(TooManyAttempts) as told:
        attempts.begin("ada", "192.0.2.1")
    assert told.value.wait == timedelta(seconds=WINDOW)
    for number in range(OF_AN_ADDRESS - OF_AN_ACCOUNT):
        attempts.begin(f"a{number}", HERE)
    with pytest.raises(TooManyAttempts):
        attempts.begin("new", HERE)
    attempts.begin("new", "192.0.2.1")
    clock.now += WINDOW
    attempts.begin("ada", HERE)


def test_who_signs_in_is_not_counted_and_wipes_nobody_elses_attempts() -> None:
    attempts = Attempts(Clock())
    for _ in range(OF_AN_ADDRESS * 2):
        attempts.begin("ada", HERE)
        attempts.succeeded("ada", HERE)
    for number in range(OF_AN_ADDRESS):
        attempts.begin(f"a{number}", HERE)
    with pytest.raises(TooManyAttempts):
        attempts.begin("ada", HERE)


def test_many_at_once_are_no_more_than_many_one_by_one(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """All come before the first one's password was looked at."""
    looked_at, may_go_on = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> bool:
        looked_at.release()
        assert may_go_on.wait(120)
        return False

    monkeypatch.setattr(passwords, "fits", slow)
    refused: list[object] = []

    def attempt() -> None:
        try:
            sessions.begin("ada", "wrong", HERE)
        except TooManyAttempts as error:
            refused.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(OF_AN_ACCOUNT + 5)]
    for thread in threads:
        thread.start()
    for _ in range(OF_AN_ACCOUNT):
        assert looked_at.acquire(timeout=120)
    may_go_on.set()
    for thread in threads:
        thread.join(120)
    assert len(refused) == 5


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts_module, "KNOWN", 100)
    attempts = Attempts(Clock())
    for number in range(1000):
        attempts.begin(f"n{number}", f"192.0.{number // 250}.{number % 250}")
    assert len(attempts._counts) == 100


def test_an_address_is_as_much_as_one_person_may_have() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("192.0.2.1") != network("192.0.2.2")
    assert network("not an address") == "not an address"
