"""Signing in at the board, and out again, where the settings say that it is for accounts."""

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from mlc.model import retry_after
from mlc.standalone.access.attempts import TooManyAttempts
from mlc.standalone.access.sessions import COOKIE, Sessions
from mlc.standalone.desk.board.guard import NotSignedIn, check_form, form_key, keep_form_key
from mlc.standalone.desk.board.showing import HEADERS, show
from mlc.standalone.desk.parts import Desk, Parts
from mlc.standalone.desk.tickets import NoSuchTicket

WRONG = "No account has this name and password, or it is disabled."
_OWN_PATH = re.compile(r"(/[A-Za-z0-9_-]{1,100}){1,5}", re.ASCII)
"""Pages of the board. What browsers read in another way than we do is not among them: // and backslashes, dots, %."""

router = APIRouter(include_in_schema=False)


class SignInForm(BaseModel):
    form_key: str = ""
    name: str = Field("", max_length=200)
    password: str = Field("", max_length=5000)
    next: str = ""


class SignOutForm(BaseModel):
    form_key: str = ""


@router.get("/sign-in")
def asked(request: Request, desk: Desk, next: str = "") -> Response:  # noqa: A002 - the parameter's usual name
    _sessions(desk)
    return _page(request, next)


@router.post("/sign-in")
def sign_in(request: Request, desk: Desk, form: Annotated[SignInForm, Form()]) -> Response:
    sessions = _sessions(desk)
    check_form(request, form.form_key)
    try:
        cookie = sessions.begin(form.name, form.password, request.client.host if request.client else "")
    except TooManyAttempts as error:
        answer = _page(request, form.next, problem=str(error), status=429)
        answer.headers.update(retry_after.encode(error.wait))
        return answer
    if cookie is None:
        return _page(request, form.next, problem=WRONG, status=403)
    return keep_session(RedirectResponse(own_path(form.next), 303, headers=HEADERS), desk, request, cookie)


@router.post("/sign-out")
def sign_out(request: Request, desk: Desk, form: Annotated[SignOutForm, Form()]) -> Response:
    _sessions(desk)
    check_form(request, form.form_key)
    answer = RedirectResponse("/sign-in", 303, headers=HEADERS)
    answer.delete_cookie(COOKIE)
    return answer


def own_path(path: str) -> str:
    """Where to go after signing in: a page of the board's, or the first one."""
    return path if _OWN_PATH.fullmatch(path) else "/"


def keep_session(answer: Response, desk: Parts, request: Request, cookie: str) -> Response:
    """Let the browser keep a session until it is closed, and send it here only; scripts can't read it."""
    base = desk.settings.url or str(request.base_url)
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="lax", secure=base.startswith("https:"))
    return answer


def renew_session(answer: Response, desk: Parts, request: Request) -> None:
    """Count a request as use of the session that it came with."""
    if desk.sessions is not None and (cookie := desk.sessions.renewed(request.cookies.get(COOKIE, ""))):
        keep_session(answer, desk, request, cookie)


def add_sign_in(app: FastAPI) -> None:
    """Give the app its pages for signing in, and lead there whoever has to."""
    app.include_router(router)

    @app.exception_handler(NotSignedIn)
    def not_signed_in(request: Request, _: NotSignedIn) -> Response:
        if request.method == "GET":
            return RedirectResponse(f"/sign-in?next={quote(own_path(request.url.path), safe='')}", 303, headers=HEADERS)
        return show(
            "problem.html",
            status=403,
            said="You are not signed in any more, so nothing was saved. Sign in, and answer again.",
        )


def _page(request: Request, path: str, *, problem: str = "", status: int = 200) -> Response:
    secret = form_key(request)
    answer = show("sign_in.html", status=status, next=own_path(path), problem=problem, form_key=secret)
    keep_form_key(answer, secret)
    return answer


def _sessions(desk: Parts) -> Sessions:
    """Raises ``NoSuchTicket`` where nobody has to sign in: there is no such page then."""
    if desk.sessions is None:
        raise NoSuchTicket
    return desk.sessions
