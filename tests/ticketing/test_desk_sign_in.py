"""The board for accounts: who has not signed in reads nothing, and who answers does so under the account's name."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from desk_harness import TOKEN, USER, Desks, RunningDesk

from mlc.model.ticket import Answer, TicketRef
from mlc.settings import AccountSettings, DeskSettings
from mlc.standalone.access.accounts import passwords
from mlc.standalone.access.accounts.account import AccountRole
from mlc.standalone.access.accounts.file import AccountFile
from mlc.standalone.access.attempts import OF_AN_ACCOUNT
from mlc.standalone.access.sessions import COOKIE
from mlc.standalone.desk import create_app
from mlc.standalone.desk.board.sign_in import own_path
from mlc.ticketing import TicketRequest

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", passwords.Cost(4, 1, 1))


@pytest.fixture
def file(tmp_path: Path) -> AccountFile:
    file = AccountFile(tmp_path / "accounts.jsonl")
    for name, role in (("ada", AccountRole.APPROVER), ("rita", AccountRole.READER), ("sam", AccountRole.SUBMITTER)):
        file.add(name, [role])
        file.set_password(name, PASSWORD)
    return file


@pytest.fixture
def desk(desks: Desks, file: AccountFile, tmp_path: Path) -> RunningDesk:
    return desks.start(sign_in=True, accounts=AccountSettings(file=tmp_path / "accounts.jsonl"))


@pytest.fixture
def ref(desk: RunningDesk, question: TicketRequest) -> TicketRef:
    return desk.adapter().create(question)


@pytest.fixture
def http(desk: RunningDesk) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.url, trust_env=False, timeout=60) as client:
        yield client


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def sign_in(http: httpx.Client, name: str = "ada", password: str = PASSWORD, path: str = "/") -> httpx.Response:
    form = form_of(http.get("/sign-in", params={"next": path}).text)
    return http.post("/sign-in", data=form | {"name": name, "password": password})


def approve(http: httpx.Client, ref: TicketRef, **more: str) -> httpx.Response:
    page = http.get(f"/browse/{ref.key}").text
    found = re.search(r'name="to" value="([\w-]*)"[^>]*>(?:Done|[^<]*<small>Done)', page)
    assert found is not None
    return http.post(f"/browse/{ref.key}", data=form_of(page) | {"to": found[1], "comment": "good"} | more)


def test_who_has_signed_in_decides_under_the_accounts_name(
    desk: RunningDesk, http: httpx.Client, ref: TicketRef
) -> None:
    answer = sign_in(http, " ADA ", path=f"/browse/{ref.key}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/browse/{ref.key}")
    assert approve(http, ref, name="Somebody Else").status_code == 303
    state = desk.adapter().get(ref)
    assert state.answer is Answer.APPROVED
    assert state.decided_by is not None
    assert state.decided_by.startswith("ada")
    assert "Somebody" not in http.get(f"/browse/{ref.key}").text


def test_who_has_not_is_led_to_the_form_and_reads_nothing(http: httpx.Client, ref: TicketRef) -> None:
    for path in ("/", f"/browse/{ref.key}"):
        answer = http.get(path)
        assert (answer.status_code, answer.text) == (303, "")
        assert answer.headers["location"].startswith("/sign-in?next=")
    assert http.get("/board.css").status_code == 200
    assert http.get(f"/browse/{ref.key}/attachments/1").status_code == 303


def test_a_model_that_answers_its_own_review_fails(desk: RunningDesk, http: httpx.Client, ref: TicketRef) -> None:
    """It is on this machine, and has no session: it posts the form, makes one up, and takes the API's token for a
    person's.
    """
    form = {"form_key": "x", "version": "1", "to": "10002", "name": "ada"}
    made_up = {"desk_form": "x", COOKIE: "YWRh.1.99999999999." + "0" * 64}
    for cookies in ({}, {"desk_form": "x"}, made_up):
        for auth in (None, (USER, TOKEN)):
            answer = httpx.post(
                f"{desk.url}/browse/{ref.key}", data=form, cookies=cookies, auth=auth, trust_env=False, timeout=60
            )
            assert answer.status_code == 403
    assert desk.adapter().get(ref).answer is Answer.PENDING


@pytest.mark.parametrize("name", ["rita", "sam"])
def test_who_is_no_approver_reads_and_answers_nothing(
    desk: RunningDesk, http: httpx.Client, ref: TicketRef, name: str
) -> None:
    sign_in(http, name)
    page = http.get(f"/browse/{ref.key}")
    assert page.status_code == 200
    assert f'action="/browse/{ref.key}"' not in page.text
    form = form_of(page.text) | {"to": "10002", "version": "1"}
    answer = http.post(f"/browse/{ref.key}", data=form)
    assert answer.status_code == 403
    assert "is no approver" in answer.text
    assert desk.adapter().get(ref).answer is Answer.PENDING


def test_what_ends_a_session(http: httpx.Client, file: AccountFile) -> None:
    for end in (
        lambda: file.set_disabled("ada", True),
        lambda: file.set_disabled("ada", False),
        lambda: file.set_password("ada", PASSWORD),
    ):
        file.set_disabled("ada", False)
        assert sign_in(http).status_code == 303
        assert http.get("/").status_code == 200
        end()
        assert http.get("/").status_code == 303
    sign_in(http)
    file.remove("ada")
    file.add("ada", [AccountRole.APPROVER])
    file.set_password("ada", PASSWORD)
    assert http.get("/").status_code == 303, "it is somebody else's name by now"


def test_a_role_that_was_taken_away_counts_no_more(
    desk: RunningDesk, http: httpx.Client, ref: TicketRef, file: AccountFile
) -> None:
    sign_in(http)
    form = form_of(http.get(f"/browse/{ref.key}").text)
    file.set_roles("ada", [AccountRole.READER])
    assert http.post(f"/browse/{ref.key}", data=form | {"to": "10002"}).status_code == 403
    assert desk.adapter().get(ref).answer is Answer.PENDING


def test_signing_out_takes_a_form_of_the_board(http: httpx.Client) -> None:
    sign_in(http)
    assert http.get("/sign-out").status_code == 405
    assert http.post("/sign-out").status_code == 403
    form = form_of(http.get("/").text)
    assert http.post("/sign-out", data=form).headers["location"] == "/sign-in"
    assert http.get("/").status_code == 303


def test_signing_in_takes_a_form_of_the_board(http: httpx.Client) -> None:
    said = {"name": "ada", "password": PASSWORD}
    for form in ({}, {"form_key": ""}, {"form_key": "guess"}):
        answer = http.post("/sign-in", data=said | form)
        assert answer.status_code == 403
        assert COOKIE not in answer.cookies
    http.get("/sign-in")
    assert http.post("/sign-in", data=said | {"form_key": "guess"}).status_code == 403
    assert http.get("/").status_code == 303


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer_and_the_same_work(
    http: httpx.Client, file: AccountFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.add("eve", [AccountRole.APPROVER])
    file.set_password("eve", PASSWORD)
    file.set_disabled("eve", True)
    file.add("tokens-only", [AccountRole.APPROVER])
    work: list[passwords.Cost] = []
    real = passwords._hash
    monkeypatch.setattr(passwords, "_hash", lambda *given: work.append(given[2]) or real(*given))
    answers = set()
    for name, password in (
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("eve", PASSWORD),
        ("tokens-only", PASSWORD),
        ("no/name", PASSWORD),
        ("", ""),
        ("ada", PASSWORD + "x" * 2000),
    ):
        work.clear()
        answer = sign_in(http, name, password)
        answers.add((answer.status_code, re.sub(r'value="[^"]*"', "", answer.text)))
        assert work == [passwords.COST], name
        assert COOKIE not in answer.cookies
    assert [status for status, _ in answers] == [403]


def test_after_so_many_attempts_no_more_are_looked_at(http: httpx.Client, desk: RunningDesk) -> None:
    for name in ("ada", "nobody"):
        for _ in range(OF_AN_ACCOUNT):
            assert sign_in(http, name, "wrong").status_code == 403
        answer = sign_in(http, name)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
    assert sign_in(http, "rita").status_code == 303, "others still sign in"


def test_the_cookie_is_for_this_board_alone(http: httpx.Client) -> None:
    cookie = sign_in(http).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age" not in cookie, "it goes with the browser"
    assert "secure" not in cookie


def test_under_https_the_cookie_is_sent_over_it_alone(desks: Desks, file: AccountFile, tmp_path: Path) -> None:
    accounts = AccountSettings(file=tmp_path / "accounts.jsonl")
    desk = desks.start(sign_in=True, accounts=accounts, url="https://board.example.com")
    with httpx.Client(base_url=desk.url, trust_env=False, timeout=60) as http:
        assert "secure" in sign_in(http).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "path",
    [
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "/%2f%2fevil.example"),
        *(
            "/%5cevil.example",
            "/ /evil.example",
            "/\t/evil.example",
            "/\n/evil",
            "javascript:alert(1)",
            "",
            "evil",
            "/.",
        ),
        *("/.//evil.example", "/browse/../..//evil.example", "/@evil.example", "/browse/A-1?x=//e", "/a" * 400),
        "/browse/\u2215evil",
    ],
)
def test_signing_in_leads_to_a_page_of_the_board_and_nowhere_else(path: str) -> None:
    assert own_path(path) == "/"
    assert own_path("/browse/MLR-1") == "/browse/MLR-1"


def test_a_hostile_next_is_not_followed(http: httpx.Client) -> None:
    page = http.get("/sign-in", params={"next": "//evil.example"}).text
    assert "evil" not in page
    form = form_of(page) | {"next": "//evil.example", "name": "ada", "password": PASSWORD}
    assert http.post("/sign-in", data=form).headers["location"] == "/"


def test_an_account_with_the_processes_name_answers_nothing(
    desk: RunningDesk, http: httpx.Client, ref: TicketRef, file: AccountFile
) -> None:
    file.add(USER, [AccountRole.APPROVER])
    file.set_password(USER, PASSWORD)
    sign_in(http, USER)
    assert approve(http, ref).status_code == 422
    assert desk.adapter().get(ref).answer is Answer.PENDING


def test_where_nobody_has_to_sign_in_there_is_no_form(desks: Desks) -> None:
    desk = desks.start()
    with httpx.Client(base_url=desk.url, trust_env=False, timeout=60) as http:
        assert http.get("/").status_code == 200
        assert http.get("/sign-in").status_code == 404
        assert http.post("/sign-in").status_code == 404


def test_the_board_is_not_for_accounts_where_the_api_is_for_anybody(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MLC_DESK_SIGN_IN needs MLC_DESK_TOKEN"):
        create_app(DeskSettings(database=tmp_path / "d.db", sign_in=True), accounts=AccountSettings())


def test_every_page_for_signing_in_has_the_boards_headers(http: httpx.Client) -> None:
    for answer in (http.get("/sign-in"), sign_in(http, "ada", "wrong"), sign_in(http), http.get("/")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text


def test_a_session_of_another_life_is_over(desks: Desks, file: AccountFile, tmp_path: Path) -> None:
    accounts = AccountSettings(file=tmp_path / "accounts.jsonl", session_life=timedelta(days=1))
    desk = desks.start(sign_in=True, accounts=accounts)
    with httpx.Client(base_url=desk.url, trust_env=False, timeout=60) as http:
        sign_in(http)
        for wrong in ("", "x", "." * 50, http.cookies[COOKIE][:-1] + "g", http.cookies[COOKIE] + "0"):
            assert httpx.get(desk.url, cookies={COOKIE: wrong}, trust_env=False, timeout=60).status_code == 303
