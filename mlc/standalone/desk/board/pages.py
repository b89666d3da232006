"""The board's pages and forms. A form is answered by a redirect, so that reloading repeats nothing."""

from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from mlc.standalone.access.accounts.account import AccountRole
from mlc.standalone.desk import servicenow_api
from mlc.standalone.desk.board import jira_tickets, servicenow_tickets
from mlc.standalone.desk.board.guard import (
    ForgedForm,
    NoApprover,
    StaleForm,
    account_of,
    check_form,
    form_key,
    keep_form_key,
    person,
)
from mlc.standalone.desk.board.notifications import Notifications
from mlc.standalone.desk.board.page import Column, Said
from mlc.standalone.desk.board.showing import HEADERS, show, style_sheet
from mlc.standalone.desk.board.sign_in import add_sign_in, renew_session
from mlc.standalone.desk.jira_issues import download
from mlc.standalone.desk.parts import Desk, Parts
from mlc.standalone.desk.records import FILES
from mlc.standalone.desk.tickets import Invalid, NoSuchTicket

CARDS = 50
"""Tickets of a system shown in a column, the newest first."""
STALE = (
    "This ticket has changed since you opened it, so nothing was saved. Here it is as it is now: look at its status "
    "and history, and answer again if that is still what you mean."
)
NAME_COOKIE = "desk_name"
LONGEST_NAME = 60
_YEAR = 365 * 24 * 3600

open_router = APIRouter(include_in_schema=False)
"""What the page for signing in needs."""
router = APIRouter(dependencies=[Depends(person)], include_in_schema=False)


class TicketForm(BaseModel):
    """The one form of a ticket: ``to`` is the status to move to, empty to save without moving."""

    form_key: str = ""
    version: str = ""
    name: str = ""
    comment: str = ""
    expiration: str | None = None
    to: str = ""


@open_router.get("/board.css")
def style() -> Response:
    return Response(style_sheet(), media_type="text/css", headers=HEADERS | {"Cache-Control": "max-age=3600"})


@router.get("/")
async def board(request: Request, desk: Desk) -> Response:
    notifications = await request.app.state.notifications.newest()
    account, secret = account_of(request), form_key(request)

    def page() -> Response:
        with desk.tickets.reading() as session:
            shown = _merged(jira_tickets.columns(session, desk, CARDS), servicenow_tickets.columns(session, CARDS))
            center = desk.settings.center_browse_url.rstrip("/")
            answer = show(
                "board.html",
                who=account.name if account else "",
                form_key=secret,
                columns=shown,
                notifications=notifications,
                has_center=desk.settings.center_url is not None,
                center=center,
            )
            if account is not None:  # its form for signing out
                keep_form_key(answer, secret)
            return answer

    return await run_in_threadpool(page)


@router.get("/browse/{key}")
def ticket(request: Request, desk: Desk, key: str) -> Response:
    return _ticket_page(request, desk, key)


@router.post("/browse/{key}")
def save(request: Request, desk: Desk, key: str, form: Annotated[TicketForm, Form()]) -> Response:
    check_form(request, form.form_key)
    account = account_of(request)
    said = Said(
        by=account.name if account else _name(form.name),
        comment=form.comment.replace("\r\n", "\n").strip(),
        expiration=form.expiration,
        to=form.to,
    )
    try:
        if account is not None and account.name == (desk.settings.user or "").lower():
            raise Invalid("This is the name under which the processes write: have an account of another name.")
        with desk.tickets.writing() as session:
            if form.version != _system(key).page(session, desk, key).version:
                raise StaleForm
            _system(key).save(session, desk, key, said)
    except StaleForm:
        return _ticket_page(request, desk, key, problem=STALE, form=form, status=409)
    except Invalid as error:
        return _ticket_page(request, desk, key, problem=str(error), form=form, status=422)
    answer = RedirectResponse(f"/browse/{quote(key)}", 303, headers=HEADERS)
    if account is None:
        answer.set_cookie(NAME_COOKIE, quote(said.by), max_age=_YEAR, httponly=True, samesite="strict")
    renew_session(answer, desk, request)
    return answer


@router.get("/browse/{key}/attachments/{attachment}")
def attachment(desk: Desk, key: str, attachment: str) -> Response:
    with desk.tickets.reading() as session:
        if attachment not in {file.id for file in _system(key).page(session, desk, key).files}:
            raise NoSuchTicket
        if servicenow_tickets.is_number(key):
            return servicenow_api.download(session, desk.records.record(session, FILES, attachment))
        return download(session, int(attachment))


def add_board(app: FastAPI, desk: Parts) -> None:
    """Give the app its board."""
    token = desk.settings.center_token
    app.state.notifications = Notifications(desk.settings.center_url, token.get_secret_value() if token else None)
    app.include_router(open_router)
    app.include_router(router)
    add_sign_in(app)

    @app.exception_handler(ForgedForm)
    def forged(_: Request, __: ForgedForm) -> Response:
        said = "This form is out of date, or this browser keeps no cookies. Go back, reload the page and send it again."
        return show("problem.html", status=403, said=said)

    @app.exception_handler(NoApprover)
    def no_approver(_: Request, error: NoApprover) -> Response:
        return show("problem.html", status=403, said=str(error))


def _ticket_page(
    request: Request, desk: Parts, key: str, *, problem: str = "", form: TicketForm | None = None, status: int = 200
) -> Response:
    secret, account = form_key(request), account_of(request)
    with desk.tickets.reading() as session:
        try:
            page = _system(key).page(session, desk, key)
        except NoSuchTicket:
            return show("problem.html", status=404, said=f"There is no ticket {key}. It may have been deleted.")
        answer = show(
            "ticket.html",
            status=status,
            ticket=page,
            card=page.card,
            expiration=form.expiration if form and status != 409 else page.expiration,
            comment=form.comment if form else "",
            name=form.name if form else unquote(request.cookies.get(NAME_COOKIE, "")) or "you",
            problem=problem,
            form_key=secret,
            who=account.name if account else "",
            may_answer=account is None or account.may(AccountRole.APPROVER),
        )
    keep_form_key(answer, secret)
    renew_session(answer, desk, request)
    return answer


def _name(given: str) -> str:
    """A name on one line, short enough for a history."""
    return " ".join("".join(c for c in given if c.isprintable()).split())[:LONGEST_NAME] or "you"


def _system(key: str) -> Any:
    """What knows about tickets with such keys: ``page`` and ``save``."""
    return servicenow_tickets if servicenow_tickets.is_number(key) else jira_tickets


def _merged(of_jira: list[Column], of_servicenow: list[Column]) -> list[Column]:
    """One column for each title; those without tickets are left out, but not the open ones."""
    columns = {column.title: column for column in of_jira}
    for column in of_servicenow:
        same = columns.setdefault(column.title, Column(column.title, column.category))
        same.cards = sorted([*same.cards, *column.cards], key=lambda card: card.created, reverse=True)
        same.total += column.total
    return [column for column in columns.values() if column.cards or column.category == "new"]
