"""Jira's REST API v2: issues and what hangs on them."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, File, Header, Response, UploadFile
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from mlc.standalone.desk.jira_json import EXPIRATION_ID, ISSUE_TYPES, LONGEST_CHANGELOG
from mlc.standalone.desk.parts import Ask, Author, Desk, Json, Parts, jira_account
from mlc.standalone.desk.tables import Attachment, Issue, Property
from mlc.standalone.desk.tickets import File as NewFile
from mlc.standalone.desk.tickets import Invalid, NoSuchTicket

LARGEST_ATTACHMENT = 10 * 1024 * 1024

router = APIRouter(dependencies=[Depends(jira_account)])

_EDITABLE = {"summary": "summary", "description": "description", "labels": "labels", EXPIRATION_ID: "expiration"}


@router.post("/issue", status_code=201)
def create_issue(desk: Desk, by: Author, body: Json) -> dict[str, Any]:
    fields = _object(body.get("fields"), "fields")
    project, issue_type = (
        _object(fields.pop("project", None), "project"),
        _object(fields.pop("issuetype", None), "issuetype"),
    )
    if str(project.get("key", "")).upper() != desk.json.project and project.get("id") != "10000":
        raise Invalid(project="valid project is required")
    names = [name for name, key in ISSUE_TYPES.items() if issue_type.get("name") == name or issue_type.get("id") == key]
    if not names:
        raise Invalid(issuetype="Specify a valid issue type")
    values = _values(fields) | {"issue_type": names[0], "properties": _properties(body.get("properties") or [])}
    values.setdefault("summary", "")
    with desk.tickets.writing() as session:
        issue = desk.tickets.create(session, by, values)
        shown = desk.json.issue(issue, ["id"])
        return {"id": shown["id"], "key": shown["key"], "self": shown["self"]}


@router.get("/issue/{issue}")
def get_issue(desk: Desk, issue: str, ask: Ask) -> dict[str, Any]:
    with desk.tickets.reading() as session:
        found = desk.tickets.issue(session, issue)
        return desk.json.issue(found, ask.fields, ask.properties, changelog="changelog" in ask.expand)


@router.put("/issue/{issue}", status_code=204)
def edit_issue(desk: Desk, by: Author, issue: str, body: Json) -> None:
    with desk.tickets.writing() as session:
        found = desk.tickets.issue(session, issue)
        fields = dict(_object(body.get("fields") or {}, "fields"))
        for name, operations in _object(body.get("update") or {}, "update").items():
            fields[name] = _updated(found, name, operations)
        desk.tickets.edit(session, found, by, _values(fields))


@router.delete("/issue/{issue}", status_code=204)
def delete_issue(desk: Desk, by: Author, issue: str) -> None:
    with desk.tickets.writing() as session:
        desk.tickets.delete(session, desk.tickets.issue(session, issue), by)


@router.get("/issue/{issue}/transitions")
def get_transitions(desk: Desk, issue: str, ask: Ask) -> dict[str, Any]:
    with desk.tickets.reading() as session:
        found = desk.tickets.issue(session, issue)
        listed = []
        for key, status in desk.json.scheme.transitions(found.status).items():
            shown: dict[str, Any] = {"id": key, "name": status.name, "to": desk.json.status(status)}
            if "transitions.fields" in ask.expand:
                allowed = [desk.json.resolution(name) for name in desk.json.scheme.resolutions.values()]
                resolution = {
                    "required": status.needs_resolution,
                    "hasDefaultValue": False,
                    "key": "resolution",
                    "name": "Resolution",
                    "operations": ["set"],
                    "schema": {"type": "resolution", "system": "resolution"},
                    "allowedValues": allowed,
                }
                shown["fields"] = {"resolution": resolution} if status.category == "done" else {}
            listed.append(shown)
        return {"expand": "transitions", "transitions": listed}


@router.post("/issue/{issue}/transitions", status_code=204)
def do_transition(desk: Desk, by: Author, issue: str, body: Json) -> None:
    transition = str(_object(body.get("transition"), "transition").get("id", ""))
    resolution = (body.get("fields") or {}).get("resolution")
    with desk.tickets.writing() as session:
        found = desk.tickets.issue(session, issue)
        to = desk.json.scheme.transitions(found.status).get(transition)
        if to is None:
            raise Invalid(
                f"It seems that you have tried to perform a workflow operation ({transition}) that is not valid."
            )
        for operation in _object(body.get("update") or {}, "update").get("comment", []):
            desk.tickets.comment(session, found, by, operation["add"]["body"])
        desk.tickets.move(session, found, by, to, _resolution(desk, resolution) if resolution else None)


@router.get("/issue/{issue}/comment")
def get_comments(desk: Desk, issue: str, ask: Ask) -> dict[str, Any]:
    with desk.tickets.reading() as session:
        found = desk.tickets.issue(session, issue)
        comments = found.comments[::-1] if ask.order_by.startswith("-") else found.comments
        page = [desk.json.comment(c, found) for c in comments[ask.start_at : ask.start_at + ask.max_results]]
        return {"comments": page, "startAt": ask.start_at, "maxResults": ask.max_results, "total": len(comments)}


@router.post("/issue/{issue}/comment", status_code=201)
def add_comment(desk: Desk, by: Author, issue: str, body: Json) -> dict[str, Any]:
    with desk.tickets.writing() as session:
        found = desk.tickets.issue(session, issue)
        return desk.json.comment(desk.tickets.comment(session, found, by, body.get("body", "")), found)


@router.get("/issue/{issue}/changelog")
def get_changelog(desk: Desk, issue: str, ask: Ask) -> dict[str, Any]:
    """Cloud's pages, the oldest edit first. Data Center has none: it shows all of them with the issue."""
    if not desk.json.cloud:
        raise NoSuchTicket
    with desk.tickets.reading() as session:
        histories = desk.tickets.issue(session, issue).histories
        most = min(ask.max_results, LONGEST_CHANGELOG)
        end = ask.start_at + most
        page = [desk.json.history(history) for history in histories[ask.start_at : end]]
        shown = {"startAt": ask.start_at, "maxResults": most, "total": len(histories), "values": page}
        return shown | {"isLast": end >= len(histories)}


@router.post("/issue/{issue}/attachments")
def add_attachment(
    desk: Desk,
    by: Author,
    issue: str,
    file: Annotated[list[UploadFile], File()],
    x_atlassian_token: Annotated[str, Header()] = "",
) -> Response:
    if x_atlassian_token != "no-check":  # noqa: S105  # Jira's word against cross-site requests
        return Response("XSRF check failed", 403)
    with desk.tickets.writing() as session:
        found = desk.tickets.issue(session, issue)
        added = []
        for upload in file:
            content = upload.file.read(LARGEST_ATTACHMENT + 1)
            if len(content) > LARGEST_ATTACHMENT:
                return JSONResponse({"errorMessages": ["The attachment is too large."], "errors": {}}, 413)
            mime = upload.content_type or "application/octet-stream"
            added.append(desk.tickets.attach(session, found, by, NewFile(upload.filename or "unnamed", mime, content)))
        return JSONResponse([desk.json.attachment(attachment) for attachment in added])


@router.get("/attachment/content/{attachment}")
def get_attachment(desk: Desk, attachment: int) -> Response:
    with desk.tickets.reading() as session:
        return download(session, attachment)


@router.get("/issue/{issue}/remotelink")
def get_links(desk: Desk, issue: str, ask: Ask) -> Any:
    with desk.tickets.reading() as session:
        found = desk.tickets.issue(session, issue)
        links = [desk.json.remote_link(link, found) for link in found.links if ask.global_id in {None, link.global_id}]
        if ask.global_id is None:
            return links
        if not links:
            raise NoSuchTicket
        return links[0]


@router.post("/issue/{issue}/remotelink")
def put_link(desk: Desk, issue: str, body: Json, response: Response) -> dict[str, Any]:
    target = _object(body.get("object"), "object")
    if not target.get("url") or not target.get("title"):
        raise Invalid(**{name: f"'{name}' is required." for name in ("url", "title") if not target.get(name)})
    with desk.tickets.writing() as session:
        found = desk.tickets.issue(session, issue)
        link, new = desk.tickets.link(session, found, body.get("globalId"), str(target["url"]), str(target["title"]))
        response.status_code = 201 if new else 200
        shown = desk.json.remote_link(link, found)
        return {"id": shown["id"], "self": shown["self"]}


@router.get("/issue/{issue}/properties")
def list_properties(desk: Desk, issue: str) -> dict[str, Any]:
    with desk.tickets.reading() as session:
        found = desk.tickets.issue(session, issue)
        return {
            "keys": [
                {"key": p.key, "self": desk.json.url(f"issue/{issue}/properties/{p.key}")} for p in found.properties
            ]
        }


@router.get("/issue/{issue}/properties/{key}")
def get_property(desk: Desk, issue: str, key: str) -> dict[str, Any]:
    with desk.tickets.reading() as session:
        kept = _property(session, desk.tickets.issue(session, issue), key)
        return {"key": kept.key, "value": kept.value}


@router.put("/issue/{issue}/properties/{key}")
def put_property(desk: Desk, issue: str, key: str, body: Annotated[Any, Body()]) -> Response:
    with desk.tickets.writing() as session:
        found = desk.tickets.issue(session, issue)
        kept = session.get(Property, (found.number, key))
        if kept is None:
            found.properties.append(Property(key=key, value=body))
        else:
            kept.value = body
        return Response(status_code=201 if kept is None else 200)


@router.delete("/issue/{issue}/properties/{key}", status_code=204)
def delete_property(desk: Desk, issue: str, key: str) -> None:
    with desk.tickets.writing() as session:
        session.delete(_property(session, desk.tickets.issue(session, issue), key))


def download(session: Session, attachment: int) -> Response:
    """A file as something to save, never to be shown: a browser would run what it holds.

    Raises:
        NoSuchTicket: there is no such attachment.
    """
    kept = session.get(Attachment, attachment)
    if kept is None:
        raise NoSuchTicket
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in kept.filename)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(kept.content, media_type="application/octet-stream", headers=headers)


def _property(session: Session, issue: Issue, key: str) -> Property:
    kept = session.get(Property, (issue.number, key))
    if kept is None:
        raise NoSuchTicket
    return kept


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(**{name: "data was not an object"})
    return value


def _resolution(desk: Parts, given: Any) -> str:
    """The name of a resolution, which may be given by its id, too."""
    named = _object(given, "resolution")
    return str(named.get("name") or desk.json.scheme.resolutions.get(str(named.get("id")), named.get("id")))


def _values(fields: dict[str, Any]) -> dict[str, Any]:
    for name in fields:
        if name not in _EDITABLE:
            raise Invalid(**{name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."})
    return {_EDITABLE[name]: value for name, value in fields.items()}


def _updated(issue: Issue, name: str, operations: Any) -> Any:
    """The new value of a field after the operations of an ``update``."""
    value: Any = [label.name for label in issue.labels] if name == "labels" else None
    for operation in operations if isinstance(operations, list) else [operations]:
        for verb, argument in _object(operation, name).items():
            if verb == "set":
                value = argument
            elif verb in {"add", "remove"} and name == "labels":
                value = [label for label in value if label != argument] + ([argument] if verb == "add" else [])
            else:
                raise Invalid(**{name: f"Field '{name}' does not support the operation '{verb}'."})
    return value


def _properties(listed: Any) -> dict[str, Any]:
    if not isinstance(listed, list) or not all(isinstance(p, dict) and {"key", "value"} <= set(p) for p in listed):
        raise Invalid(properties="Entity properties have a key and a value.")
    return {str(p["key"]): p["value"] for p in listed}
