"""ServiceNow's REST API: the Table API, the Attachment API, and access tokens."""

import json
import secrets
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mlc.standalone.desk.encoded_query import query
from mlc.standalone.desk.parts import Author, Desk, Parts, servicenow_account
from mlc.standalone.desk.records import FILES
from mlc.standalone.desk.servicenow_json import Display, RecordJson
from mlc.standalone.desk.servicenow_scheme import TASKS
from mlc.standalone.desk.tables import Record, RecordFile
from mlc.standalone.desk.tickets import File, Invalid, NoSuchTicket

LARGEST_ATTACHMENT = 10 * 1024 * 1024
TOKEN_LIFETIME = 1800

open_router = APIRouter()
"""What asks for no account: tokens are asked for with a client's secret, and pages have their own guard."""
router = APIRouter(prefix="/api/now", dependencies=[Depends(servicenow_account)])


class Asked(BaseModel):
    """The ``sysparm_`` parameters that the desk knows."""

    sysparm_query: str = ""
    sysparm_fields: str = ""
    sysparm_limit: int = Field(10_000, ge=0)
    sysparm_offset: int = Field(0, ge=0)
    sysparm_display_value: str = "false"
    sysparm_exclude_reference_link: str = "false"
    sysparm_suppress_pagination_header: str = "false"

    @property
    def fields(self) -> list[str]:
        return [name.strip() for name in self.sysparm_fields.split(",") if name.strip()]


def _asked(request: Request) -> Asked:
    """Beside these parameters there may be any others, as in ServiceNow."""
    return Asked.model_validate({name: value for name, value in request.query_params.items() if value})


def _place(desk: Desk, table: str, sys_id: str) -> tuple[str, str]:
    """The record that the path names."""
    return desk.records.table(table).name, sys_id


def _target(desk: Desk, table_name: str = "", table_sys_id: str = "") -> tuple[str, str]:
    """The record that a file is for."""
    return desk.records.table(table_name).name, table_sys_id


async def _body(request: Request) -> dict[str, str]:
    """The fields of a record; texts, whatever they came as."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Invalid("Exception while reading request") from None
    if not isinstance(body, dict):
        raise Invalid("Exception while reading request")
    return {str(name): "" if value is None else _text(value) for name, value in body.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def _content(request: Request) -> File:
    """An upload: the raw body, and its name in the query."""
    content, name = await request.body(), request.query_params.get("file_name", "")
    if not name or len(content) > LARGEST_ATTACHMENT:
        raise Invalid("A file name is missing, or the file is too large.")
    return File(name, request.headers.get("Content-Type", "application/octet-stream"), content)


Ask = Annotated[Asked, Depends(_asked)]
Place = Annotated[tuple[str, str], Depends(_place)]
Target = Annotated[tuple[str, str], Depends(_target)]
Values = Annotated[dict[str, str], Depends(_body)]
Upload = Annotated[File, Depends(_content)]


@open_router.post("/oauth_token.do")
def token(
    desk: Desk,
    grant_type: Annotated[str, Form()] = "",
    client_id: Annotated[str, Form()] = "",
    client_secret: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Client credentials: the API's account is the client, its token the client's secret."""
    known = desk.settings.token.get_secret_value() if desk.settings.token else ""
    right = client_id == desk.settings.user and secrets.compare_digest(client_secret.encode(), known.encode())
    if grant_type != "client_credentials" or not known or not right:
        error = {"error_description": "access_denied", "error": "server_error"}
        return JSONResponse(error, 401)
    issued = secrets.token_urlsafe(32)
    desk.tokens.add(issued)
    return JSONResponse(
        {"access_token": issued, "scope": "useraccount", "token_type": "Bearer", "expires_in": TOKEN_LIFETIME}
    )


@open_router.get("/nav_to.do")
def navigate(desk: Desk, uri: str = "") -> RedirectResponse:
    """Links as ServiceNow's own (``change_request.do?sys_id=...``) lead to the board's page of the ticket."""
    table, _, sys_id = uri.lstrip("/").partition(".do?sys_id=")
    with desk.records.reading() as session:
        number = desk.records.record(session, table, sys_id).number if table in TASKS else None
    return RedirectResponse(f"/browse/{number}" if number else "/", 303)


@router.get("/table/{table}")
def list_records(desk: Desk, request: Request, table: str, ask: Ask) -> JSONResponse:
    return _listed(desk, request, table, ask)


@router.post("/table/{table}")
def create_record(desk: Desk, by: Author, table: str, ask: Ask, values: Values) -> JSONResponse:
    desk.records.table(table)
    with desk.records.writing() as session:
        record = desk.records.create(session, table, by, values)
        place = {"Location": f"{desk.json.base}/api/now/table/{table}/{record.sys_id}"}
        return JSONResponse({"result": _writer(desk, session, ask).record(record, ask.fields)}, 201, headers=place)


@router.get("/table/{table}/{sys_id}")
def get_record(desk: Desk, place: Place, ask: Ask) -> dict[str, Any]:
    with desk.records.reading() as session:
        record = desk.records.record(session, *place)
        return {"result": _writer(desk, session, ask).record(record, ask.fields)}


@router.put("/table/{table}/{sys_id}")
@router.patch("/table/{table}/{sys_id}")
def change_record(desk: Desk, by: Author, place: Place, ask: Ask, values: Values) -> dict[str, Any]:
    with desk.records.writing() as session:
        record = desk.records.record(session, *place)
        desk.records.change(session, record, by, values)
        return {"result": _writer(desk, session, ask).record(record, ask.fields)}


@router.delete("/table/{table}/{sys_id}", status_code=204)
def delete_record(desk: Desk, place: Place) -> None:
    with desk.records.writing() as session:
        desk.records.delete(session, desk.records.record(session, *place))


@router.get("/attachment")
def list_attachments(desk: Desk, request: Request, ask: Ask) -> JSONResponse:
    return _listed(desk, request, FILES, ask)


@router.post("/attachment/file")
def upload(desk: Desk, by: Author, ask: Ask, target: Target, file: Upload) -> JSONResponse:
    with desk.records.writing() as session:
        attachment = desk.records.attach(session, desk.records.record(session, *target), by, file)
        return JSONResponse({"result": _writer(desk, session, ask).record(attachment, ask.fields)}, 201)


@router.get("/attachment/{sys_id}/file")
def attached_file(desk: Desk, sys_id: str) -> Response:
    with desk.records.reading() as session:
        return download(session, desk.records.record(session, FILES, sys_id))


def download(session: Session, attachment: Record) -> Response:
    """A file as something to save, never to be shown: a browser would run what it holds."""
    kept = session.get(RecordFile, attachment.sys_id)
    if kept is None:
        raise NoSuchTicket
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in attachment.fields["file_name"])
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(kept.content, media_type="application/octet-stream", headers=headers)


def _listed(desk: Parts, request: Request, table: str, ask: Asked) -> JSONResponse:
    kind = desk.records.table(table)
    with desk.records.reading() as session:
        found = query(kind, ask.sysparm_query, invalid_finds_nothing=desk.records.invalid_finds_nothing)
        total = session.scalar(select(func.count()).select_from(found.order_by(None).subquery())) or 0
        page = session.scalars(found.offset(ask.sysparm_offset).limit(ask.sysparm_limit))
        writer = _writer(desk, session, ask)
        result = [writer.record(record, ask.fields) for record in page]
    headers = {"X-Total-Count": str(total)}
    end = ask.sysparm_offset + ask.sysparm_limit
    if ask.sysparm_suppress_pagination_header.lower() != "true" and end < total:
        following = dict(request.query_params) | {"sysparm_offset": str(end)}
        headers["Link"] = f'<{desk.json.base}{request.url.path}?{urlencode(following)}>;rel="next"'
    return JSONResponse({"result": result}, headers=headers)


def _writer(desk: Parts, session: Session, ask: Asked) -> RecordJson:
    asked = ask.sysparm_display_value.lower()
    display: Display = "all" if asked == "all" else "true" if asked == "true" else "false"
    links = ask.sysparm_exclude_reference_link.lower() != "true"
    return RecordJson(desk.records, session, desk.json.base, display=display, links=links)
