"""Every route of the centre, and what accounts may there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from center_harness import TOKEN, no_temporal, served
from pydantic import SecretStr

from mlc.settings import StandaloneCenterSettings
from mlc.standalone.access.accounts.account import AccountRole
from mlc.standalone.access.accounts.file import AccountFile
from mlc.standalone.access.routes import ROUTES
from mlc.standalone.center.app import create_app
from mlc.standalone.center.entities import KINDS

API = "/model-manage/api"
OPEN = {"/docs", "/docs/oauth2-redirect", "/openapi.json"}
SUBMITTED = {"storedModels", "deployableModels", "assets"}


class Office:
    """A centre with an account of each role; ``tokens`` are by role."""

    def __init__(self, address: str, file: AccountFile, http: httpx.Client) -> None:
        self.address, self.file = address, file
        self._http = http
        self.tokens = {}
        for role in AccountRole:
            file.add(f"{role}-1", [role])
            self.tokens[str(role)] = file.issue(f"{role}-1", "t")
        self.tokens["the centre's own"] = TOKEN

    def ask(self, who: str, method: str, path: str, **how: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        return self._http.request(method, self.address + path, headers=headers, **how)

    def made(self, who: str, plural: str, document: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask(who, "POST", f"{API}/{plural}", json=document)
        assert answer.status_code == 201, answer.text
        entity: dict[str, Any] = answer.json()
        return entity


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    settings = StandaloneCenterSettings(database=folder / "center.db", token=SecretStr(TOKEN))
    accounts = folder / "accounts.jsonl"
    kept = httpx.Limits(keepalive_expiry=2)  # not as long as the server keeps them
    app = create_app(settings, connect=no_temporal, accounts=accounts)
    with served(app) as address, httpx.Client(timeout=60, limits=kept) as http:
        yield Office(address, AccountFile(accounts), http)


def addresses(path: str) -> list[tuple[str, str]]:
    """Every address of a route, with the entity that it is about."""
    path = path.replace("{finder}", "none")
    for name in ("name", "model_id", "snapshot_id", "job_id", "result_id", "entity_id", "sha256"):
        path = path.replace(f"{{{name}}}", "x")
    path = path.replace("{plural}", "jobs")
    return [(path.replace("{entity}", plural), plural) for plural in KINDS] if "{entity}" in path else [(path, "")]


def allowed(role: str, method: str, path: str, entity: str) -> bool:
    """Written down here once more, and independently of the code."""
    if path in OPEN or role == "operator":
        return True
    if method in {"GET", "HEAD"}:
        return path not in {"/api/runtime-tokens", "/api/unused-files"}
    if role in {"reader", "approver"}:
        return False
    if path.startswith(f"{API}/contents/"):
        return True
    if method == "POST":
        return entity in SUBMITTED
    return method == "PATCH" and entity == "storedModels"


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("role", list(AccountRole))
def test_what_a_role_may(office: Office, role: str, method: str, path: str) -> None:
    for address, entity in addresses(path):
        answer = office.ask(role, method, address, **({"json": {}} if method in {"POST", "PATCH"} else {}))
        assert (answer.status_code != 403) is allowed(role, method, address, entity), (address, answer.text)
        assert answer.status_code != 401
        assert answer.status_code < 500
        if answer.status_code == 403 and method != "HEAD":
            assert answer.json()["message"].startswith(f"The account {role}-1 ")


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_of_a_disabled_account_nothing_is_taken(office: Office, method: str, path: str) -> None:
    office.file.add("gone", ["operator"])
    try:
        office.tokens["gone"] = office.file.issue("gone", "t")
        assert office.ask("gone", "GET", API).status_code == 200
        office.file.set_disabled("gone", True)
        for address, _ in addresses(path):
            answer = office.ask("gone", method, address)
            assert answer.status_code == (200 if path in OPEN else 401), address
            assert office.tokens["gone"] not in answer.text
    finally:
        office.file.remove("gone")


def test_what_an_account_makes_bears_its_name(office: Office) -> None:
    for role in ("submitter", "operator"):
        model = office.made(role, "storedModels", {"modelMetaData": {"name": role}})
        assert model["createdBy"] == f"{role}-1"
        snapshot = office.made(role, "deployableModels", {"storedModel": {"id": model["id"]}, "createdBy": f"{role}-1"})
        assert snapshot["createdBy"] == snapshot["storedModel"]["createdBy"] == f"{role}-1"


@pytest.mark.parametrize("role", ["submitter", "operator"])
@pytest.mark.parametrize("other", ["ada", "standalone", "", 7, ["submitter-1"], "Submitter-1"])
def test_nobody_makes_anything_in_another_name(office: Office, role: str, other: Any) -> None:
    answer = office.ask(role, "POST", f"{API}/storedModels", json={"modelMetaData": {"name": "m"}, "createdBy": other})
    assert answer.status_code == 403
    assert "leave createdBy out" in answer.json()["message"]


def test_the_author_of_a_snapshots_model_is_the_one_that_the_centre_knows(office: Office) -> None:
    model = office.made("operator", "storedModels", {"modelMetaData": {"name": "m"}})
    copied = {"id": model["id"], "modelMetaData": {"name": "m"}, "createdBy": "submitter-1"}
    snapshot = office.made("submitter", "deployableModels", {"storedModel": copied})
    assert (snapshot["createdBy"], snapshot["storedModel"]["createdBy"]) == ("submitter-1", "operator-1")
    for unknown in ({}, {"id": "7d7f1f6e-0000-4000-8000-000000000000"}, {"id": None}):
        document = {"storedModel": {"modelMetaData": {"name": "m"}, "createdBy": "operator-1"} | unknown}
        assert office.made("submitter", "deployableModels", document)["storedModel"]["createdBy"] == "submitter-1"


def test_a_change_does_not_change_who_made_it(office: Office) -> None:
    model = office.made("operator", "storedModels", {"modelMetaData": {"name": "m"}})
    path = f"{API}/storedModels/{model['id']}"
    changed = office.ask("submitter", "PATCH", path, json={"group": "g", "createdBy": "submitter-1"})
    assert (changed.json()["group"], changed.json()["createdBy"]) == ("g", "operator-1")


@pytest.mark.parametrize("note", ["mlcDeployModel", "mlcDecision"])
def test_a_submitter_writes_no_decision_into_its_snapshot(office: Office, note: str) -> None:
    document = {
        "storedModel": {"modelMetaData": {"name": "m"}},
        "metaData": {"name": "n", "custom": {note: {"approved": True}}},
    }
    answer = office.ask("submitter", "POST", f"{API}/deployableModels", json=document)
    assert answer.status_code == 403
    assert "notes" in answer.json()["message"]


def test_a_submitter_changes_no_snapshot(office: Office) -> None:
    snapshot = office.made("submitter", "deployableModels", {"storedModel": {"modelMetaData": {"name": "m"}}})
    answer = office.ask("submitter", "PATCH", f"{API}/deployableModels/{snapshot['id']}", json={"tags": []})
    assert answer.status_code == 403


def test_the_roles_that_count_are_those_of_now(office: Office) -> None:
    office.file.add("risen", ["reader"])
    office.tokens["risen"] = office.file.issue("risen", "t")
    document = {"modelMetaData": {"name": "m"}}
    assert office.ask("risen", "POST", f"{API}/storedModels", json=document).status_code == 403
    office.file.set_roles("risen", ["submitter"])
    assert office.ask("risen", "POST", f"{API}/storedModels", json=document).status_code == 201
    office.file.remove("risen")
    assert office.ask("risen", "POST", f"{API}/storedModels", json=document).status_code == 401


def test_where_no_file_is_named_no_account_is_known(tmp_path: Path, office: Office) -> None:
    settings = StandaloneCenterSettings(database=tmp_path / "center.db", token=SecretStr(TOKEN))
    with served(create_app(settings, connect=no_temporal)) as address:
        headers = {"Authorization": f"Bearer {office.tokens['operator']}"}
        assert httpx.get(address + API, headers=headers).status_code == 401
