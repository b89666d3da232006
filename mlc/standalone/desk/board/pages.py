"""The board's pages and forms. A form is answered by a redirect, so that reloading repeats nothing."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from mlc.standalone.desk import servicenow_api
from mlc.standalone.desk.board import jira_tickets, servicenow_tickets
from mlc.standalone.desk.board.guard import FORM_COOKIE, ForgedForm, StaleForm, check_form, form_key, person
from mlc.standalone.desk.board.notifications import Notifications
from mlc.standalone.desk.board.page import Column, Said
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
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_pages = Environment(
    loader=PackageLoader(__name__.rpartition(".")[0], "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.filters |= {"moment": lambda at: datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")}

router = APIRouter(dependencies=[Depends(person)], include_in_schema=False)


class TicketForm(BaseModel):
    """The one form of a ticket: ``to`` is the status to move to, empty to save without moving."""

    form_key: str = ""
    version: str = ""
    name: str = ""
    comment: str = ""
    expiration: str | None = None
    to: str = ""


@router.get("/board.css")
def style() -> Response:
    source, _, _ = _pages.loader.get_source(_pages, "board.css") if _pages.loader else ("", None, None)
    return Response(source, media_type="text/css", headers=_HEADERS | {"Cache-Control": "max-age=3600"})


@router.get("/")
async def board(request: Request, desk: Desk) -> Response:
    notifications = await request.app.state.notifications.newest()

    def page() -> Response:
        with desk.tickets.reading() as session:
            shown = _merged(jira_tickets.columns(session, desk, CARDS), servicenow_tickets.columns(session, CARDS))
            center = desk.settings.center_browse_url.rstrip("/")
            return _show(
                "board.html",
                columns=shown,
                notifications=notifications,
                has_center=desk.settings.center_url is not None,
                center=center,
            )

    return await run_in_threadpool(page)


@router.get("/browse/{key}")
def ticket(request: Request, desk: Desk, key: str) -> Response:
    return _ticket_page(request, desk, key)


@router.post("/browse/{key}")
def save(request: Request, desk: Desk, key: str, form: Annotated[TicketForm, Form()]) -> Response:
    check_form(request, form.form_key)
    said = Said(
        by=_name(form.name), comment=form.comment.replace("\r\n", "\n").strip(), expiration=form.expiration, to=form.to
    )
    try:
        with desk.tickets.writing() as session:
            if form.version != _system(key).page(session, desk, key).version:
                raise StaleForm
            _system(key).save(session, desk, key, said)
    except StaleForm:
        return _ticket_page(request, desk, key, problem=STALE, form=form, status=409)
    except Invalid as error:
        return _ticket_page(request, desk, key, problem=str(error), form=form, status=422)
    answer = RedirectResponse(f"/browse/{quote(key)}", 303, headers=_HEADERS)
    answer.set_cookie(NAME_COOKIE, quote(said.by), max_age=_YEAR, httponly=True, samesite="strict")
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
    app.include_router(router)

    @app.exception_handler(ForgedForm)
    def forged(_: Request, __: ForgedForm) -> Response:
        said = "This form is out of date, or this browser keeps no cookies. Go back, reload the page and send it again."
        return _show("problem.html", status=403, said=said)


def _ticket_page(
    request: Request, desk: Parts, key: str, *, problem: str = "", form: TicketForm | None = None, status: int = 200
) -> Response:
    secret = form_key(request)
    with desk.tickets.reading() as session:
        try:
            page = _system(key).page(session, desk, key)
        except NoSuchTicket:
            return _show("problem.html", status=404, said=f"There is no ticket {key}. It may have been deleted.")
        answer = _show(
            "ticket.html",
            status=status,
            ticket=page,
            card=page.card,
            expiration=form.expiration if form and status != 409 else page.expiration,
            comment=form.comment if form else "",
            name=form.name if form else unquote(request.cookies.get(NAME_COOKIE, "")) or "you",
            problem=problem,
            form_key=secret,
        )
    answer.set_cookie(FORM_COOKIE, secret, httponly=True, samesite="strict")
    return answer


def _show(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_pages.get_template(template).render(**values), status, headers=_HEADERS)


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
