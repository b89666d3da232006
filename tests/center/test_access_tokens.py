"""Tokens of runtimes: issued once, kept as hashes, rotated and revoked."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from center_harness import TOKEN

from mlc.model.failure import NotFound, Refused, Unavailable
from mlc.standalone.access.client import issue_runtime_token, issued, known_tokens, revoke
from mlc.standalone.access.names import BadName
from mlc.standalone.access.tokens import GRACE, NoSuchToken, RuntimeTokens
from mlc.standalone.database import CENTER, open_database

DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, clock: Clock) -> RuntimeTokens:
    return RuntimeTokens(open_database(tmp_path / "center.db", CENTER), clock)


def test_a_token_is_its_runtimes_and_nobody_elses(tokens: RuntimeTokens) -> None:
    first, second = tokens.issue("a").token, tokens.issue("A").token
    assert (tokens.runtime_of(first), tokens.runtime_of(second)) == ("a", "A")
    for near in (first[:-1], first + "x", first.swapcase(), first.removeprefix("mlcr_"), "", "mlcr_", f" {first}"):
        assert tokens.runtime_of(near) is None


def test_the_database_holds_no_token(tokens: RuntimeTokens, tmp_path: Path) -> None:
    token = tokens.issue("a").token
    assert tokens.runtime_of(token) == "a"
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"runtime_token" in kept
    assert token.encode() not in kept
    assert token.removeprefix("mlcr_").encode() not in kept


def test_no_two_tokens_are_alike(tokens: RuntimeTokens) -> None:
    assert len({tokens.issue("a").token for _ in range(50)}) == 50


def test_a_token_survives_the_centre(tokens: RuntimeTokens, tmp_path: Path, clock: Clock) -> None:
    token = tokens.issue("a").token
    assert RuntimeTokens(open_database(tmp_path / "center.db", CENTER), clock).runtime_of(token) == "a"


def test_the_one_before_the_newest_is_taken_for_a_while(tokens: RuntimeTokens, clock: Clock) -> None:
    """A runtime that is in the middle of a job must be able to say how it ended."""
    first, second = tokens.issue("a"), tokens.issue("a")
    assert first.until is None
    assert second.until == clock.now + GRACE
    assert tokens.runtime_of(first.token) == tokens.runtime_of(second.token) == "a"
    clock.now += GRACE - timedelta(seconds=1)
    assert tokens.runtime_of(first.token) == "a"
    clock.now += timedelta(seconds=1)
    assert tokens.runtime_of(first.token) is None
    assert tokens.runtime_of(second.token) == "a"
    clock.now += 1000 * DAY
    assert tokens.runtime_of(second.token) == "a"
    assert len(tokens.known()) == 1


def test_a_thousand_restarts_leave_two_tokens(tokens: RuntimeTokens, tmp_path: Path) -> None:
    made = [tokens.issue("a").token for _ in range(1000)]
    assert [tokens.runtime_of(token) for token in made[-3:]] == [None, "a", "a"]
    with sqlite3.connect(tmp_path / "center.db") as database:
        assert database.execute("select count(*) from runtime_token").fetchone() == (2,)


def test_revoking_ends_all_of_a_runtimes_tokens_at_once_and_nobody_elses(tokens: RuntimeTokens) -> None:
    other, first, second = (tokens.issue(name).token for name in ("A", "a", "a"))
    assert tokens.revoke("a") == 2
    assert [tokens.runtime_of(token) for token in (first, second, other)] == [None, None, "A"]
    with pytest.raises(NoSuchToken, match="'a'"):
        tokens.revoke("a")


def test_what_is_known_of_a_token_is_all_but_itself(tokens: RuntimeTokens, clock: Clock) -> None:
    token = tokens.issue("a").token
    (known,) = tokens.known()
    assert (known.name, known.issued, known.used, known.until) == ("a", clock.now, None, None)
    clock.now += DAY
    tokens.runtime_of(token)
    assert tokens.known()[0].used == clock.now
    seen = clock.now
    clock.now += timedelta(seconds=30)
    tokens.runtime_of(token)
    assert tokens.known()[0].used == seen, "each second a runtime asks, and not each time is written down"


@pytest.mark.parametrize("name", ["", " a", "a b", "a\n", "../a", "a/b", "ä", "a" * 101, "-a", ".a", "a\0", "*"])
def test_a_name_that_no_runtime_can_have_gets_no_token(tokens: RuntimeTokens, name: str) -> None:
    with pytest.raises(BadName, match="letters, digits"):
        tokens.issue(name)
    assert tokens.known() == []


def test_many_who_issue_at_once_leave_two_tokens_that_are_taken(tokens: RuntimeTokens) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(tokens.issue("a").token)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 16
    assert sum(tokens.runtime_of(token) == "a" for token in made) == 2


async def test_the_centre_issues_lists_and_revokes(address: str) -> None:
    for url in (address, f"{address}/", f"{address}/model-manage/api", f"{address}/model-manage/api/"):
        assert (await issue_runtime_token(url, TOKEN, "batch-prod")).startswith("mlcr_")
    made = await issued(address, TOKEN, "Batch-prod")
    assert made.previousUntil is None
    assert [(each.name, each.until is None) for each in await known_tokens(address, TOKEN)] == [
        ("Batch-prod", True),
        ("batch-prod", True),
        ("batch-prod", False),
    ]
    assert await revoke(address, TOKEN, "batch-prod") == 2
    with pytest.raises(NotFound, match="No runtime 'batch-prod' has a token"):
        await revoke(address, TOKEN, "batch-prod")
    assert [each.name for each in await known_tokens(address, TOKEN)] == ["Batch-prod"]


async def test_the_client_says_what_is_wrong_and_no_secret(address: str) -> None:
    with pytest.raises(Refused, match="did not accept MLC_CENTER_TOKEN") as refused:
        await issue_runtime_token(address, "a-secret-of-mine", "a")
    assert "a-secret-of-mine" not in str(refused.value)
    with pytest.raises(Refused, match="no standalone model centre"):
        await issue_runtime_token(f"{address}/elsewhere", TOKEN, "a")
    with pytest.raises(Unavailable, match="MLC_CENTER_URL"):
        await issue_runtime_token("http://127.0.0.1:1", TOKEN, "a")
    with pytest.raises(BadName):
        await issue_runtime_token(address, TOKEN, "a/b")


def test_an_answer_with_a_token_is_kept_by_no_cache(address: str) -> None:
    answer = httpx.post(f"{address}/api/runtime-tokens/a", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    odd = httpx.post(f"{address}/api/runtime-tokens/a%20b", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (odd.status_code, "letters, digits" in odd.json()["message"]) == (400, True)
