"""Jira's REST API v2: the site, its fields and projects, and searches."""

import base64
import time
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import func, select

from mlc.standalone.desk import jql
from mlc.standalone.desk.jira_json import EXPIRATION_ID, EXPIRATION_NAME, ISSUE_TYPES, stamp
from mlc.standalone.desk.parts import Ask, Asked, Author, Desk, Known, Parts, jira_account
from mlc.standalone.desk.tables import Issue
from mlc.standalone.desk.tickets import Invalid, NoSuchTicket

MOST_RESULTS = {"cloud": 5000, "server": 1000}

open_router = APIRouter()
"""What Jira answers to anybody, with less of it to whom it doesn't know."""
router = APIRouter(dependencies=[Depends(jira_account)])

PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "DELETE_ISSUES": "Delete Issues",
    "TRANSITION_ISSUES": "Transition Issues",
    "ADD_COMMENTS": "Add Comments",
    "CREATE_ATTACHMENTS": "Create Attachments",
    "LINK_ISSUES": "Link Issues",
}
"""Jira's permissions for what the desk can do, and their names."""

_FIELDS = {
    "summary": "string",
    "description": "string",
    "status": "status",
    "resolution": "resolution",
    "labels": "array",
    "project": "project",
    "issuetype": "issuetype",
    "reporter": "user",
    "creator": "user",
    "created": "datetime",
    "updated": "datetime",
    "attachment": "array",
    "comment": "comments-page",
}


@open_router.get("/serverInfo")
def server_info(desk: Desk) -> dict[str, Any]:
    cloud = desk.json.cloud
    return {
        "baseUrl": desk.json.base,
        "version": "1001.0.0" if cloud else "10.3.0",
        "versionNumbers": [1001, 0, 0] if cloud else [10, 3, 0],
        "deploymentType": "Cloud" if cloud else "Server",
        "buildNumber": 100000,
        "serverTime": stamp(time.time_ns() // 1_000_000),
        "serverTitle": "Ticket desk",
    }


@router.get("/myself")
def myself(desk: Desk, by: Author) -> dict[str, Any]:
    return desk.json.user(by) | {"locale": desk.json.locale}


@open_router.get("/field")
def fields(desk: Desk, known: Known) -> list[dict[str, Any]]:
    listed = [_field(name, name.capitalize(), kind, custom=False) for name, kind in _FIELDS.items()]
    if desk.json.expiration and known:
        custom = _field(EXPIRATION_ID, EXPIRATION_NAME, "date", custom=True)
        listed.append(custom | ({"untranslatedName": EXPIRATION_NAME} if desk.json.cloud else {}))
    return listed


@router.get("/status")
def statuses(desk: Desk) -> list[dict[str, Any]]:
    return [desk.json.status(status) for status in desk.json.scheme.statuses]


@router.get("/resolution")
def resolutions(desk: Desk) -> list[dict[str, Any]]:
    return [desk.json.resolution(name) for name in desk.json.scheme.resolutions.values()]


@router.get("/project/{project}")
def project(desk: Desk, project: str) -> dict[str, Any]:
    _known(desk, project)
    return desk.json.project_json()


@router.get("/project/{project}/statuses")
def project_statuses(desk: Desk, project: str) -> list[dict[str, Any]]:
    _known(desk, project)
    listed = [desk.json.status(status) for status in desk.json.scheme.statuses]
    kept = ("self", "id", "name", "subtask")
    types = [desk.json.issue_type(name) for name in ISSUE_TYPES]
    return [{key: kind[key] for key in kept} | {"statuses": listed} for kind in types]


@router.get("/mypermissions")
def my_permissions(desk: Desk, ask: Ask) -> dict[str, Any]:
    """The one account of the desk's API may do everything that this API can."""
    if desk.json.cloud and not ask.permissions:
        raise Invalid("The permissions query parameter is required.")
    unknown = [key for key in ask.permissions if key not in PERMISSIONS]
    if unknown:
        raise Invalid(f"Unrecognized permission(s): {', '.join(unknown)}")
    if ask.project_key:
        _known(desk, ask.project_key)
    keys = ask.permissions or list(PERMISSIONS)
    return {"permissions": {key: _permission(key) for key in keys}}


@router.get("/issue/createmeta/{project}/issuetypes")
def issue_types(desk: Desk, project: str) -> dict[str, Any]:
    _known(desk, project)
    listed = [desk.json.issue_type(name) for name in ISSUE_TYPES]
    return _page(desk, "issueTypes", listed)


@router.get("/issue/createmeta/{project}/issuetypes/{issue_type}")
def create_fields(desk: Desk, project: str, issue_type: str) -> dict[str, Any]:
    _known(desk, project)
    if issue_type not in ISSUE_TYPES.values():
        raise NoSuchTicket
    names = ["summary", "description", "labels", "project", "issuetype"]
    listed = [_create_field(_field(name, name.capitalize(), _FIELDS[name], custom=False)) for name in names]
    if desk.json.expiration:
        listed.append(_create_field(_field(EXPIRATION_ID, EXPIRATION_NAME, "date", custom=True)))
    return _page(desk, "fields", listed)


@open_router.get("/search/jql")
def search_cloud(desk: Desk, ask: Ask, known: Known) -> dict[str, Any]:
    if not desk.json.cloud:
        raise NoSuchTicket
    try:
        start = int(base64.urlsafe_b64decode(ask.next_page_token)) if ask.next_page_token else 0
    except ValueError:
        raise Invalid("The next page token is not valid.") from None
    issues, total = _search(desk, ask, start, ask.fields or ["id"]) if known else ([], 0)
    end = start + len(issues)
    token = {"nextPageToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < total else {}
    return {"issues": issues, "isLast": end >= total, **token}


@open_router.post("/search/jql")
def search_cloud_posted(desk: Desk, asked: Asked, known: Known) -> dict[str, Any]:
    return search_cloud(desk, asked, known)


@open_router.get("/search")
def search_server(desk: Desk, ask: Ask, known: Known) -> dict[str, Any]:
    if desk.json.cloud:
        raise HTTPException(410, "The requested API has been removed. Please migrate to /rest/api/2/search/jql.")
    issues, total = _search(desk, ask, ask.start_at, ask.fields) if known else ([], 0)
    return {"startAt": ask.start_at, "maxResults": ask.max_results, "total": total, "issues": issues}


def _search(desk: Parts, ask: Asked, start: int, fields: list[str]) -> tuple[list[dict[str, Any]], int]:
    """A page of what a query finds, and how many it finds in all."""
    most = min(ask.max_results, MOST_RESULTS["cloud" if desk.json.cloud else "server"])
    with desk.tickets.reading() as session:
        found = jql.query(session, ask.jql, desk.json, bounded=desk.json.cloud)
        if desk.index_lag:
            found = found.where(Issue.created <= (time.time() - desk.index_lag) * 1000)
        total = session.scalar(select(func.count()).select_from(found.order_by(None).subquery())) or 0
        page = session.scalars(found.offset(start).limit(most)).all()
        changelog = "changelog" in ask.expand
        return [desk.json.issue(issue, fields, ask.properties, changelog=changelog) for issue in page], total


def _known(desk: Parts, project: str) -> None:
    if project.upper() != desk.json.project and project != "10000":
        raise NoSuchTicket


def _field(key: str, name: str, kind: str, *, custom: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    if kind == "array":
        schema["items"] = "attachment" if key == "attachment" else "string"
    if custom:
        schema |= {"custom": "com.atlassian.jira.plugin.system.customfieldtypes:datepicker", "customId": 10042}
    else:
        schema["system"] = key
    shown = {"id": key, "key": key, "name": name, "custom": custom, "orderable": True, "navigable": True}
    clauses = [f"cf[{key.removeprefix('customfield_')}]", name] if custom else [key]
    return shown | {"searchable": True, "clauseNames": clauses, "schema": schema}


def _create_field(field: dict[str, Any]) -> dict[str, Any]:
    required = field["id"] in {"summary", "project", "issuetype"}
    shown = {"fieldId": field["id"], "key": field["key"], "name": field["name"], "schema": field["schema"]}
    return shown | {"required": required, "hasDefaultValue": False, "operations": ["set"]}


def _permission(key: str) -> dict[str, Any]:
    number = str(10 + list(PERMISSIONS).index(key))
    shown = {"id": number, "key": key, "name": PERMISSIONS[key], "type": "PROJECT", "description": ""}
    return shown | {"havePermission": True}


def _page(desk: Parts, cloud_name: str, listed: list[dict[str, Any]]) -> dict[str, Any]:
    """Cloud names the list after what it holds, Data Center calls it ``values``."""
    name = cloud_name if desk.json.cloud else "values"
    return {"startAt": 0, "maxResults": 50, "total": len(listed), name: listed}
