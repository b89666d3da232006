"""``mlc requests``, typed as an operator types it, against a real centre."""

import json
import re
import shlex
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_process import called
from served_centre import client_of_a_centre, settings_for

MODEL = "Credit risk"
BATCHES = "Files of batch jobs are not looked through."


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[httpx.Client]:
    with client_of_a_centre(tmp_path) as client:
        yield client


@pytest.fixture
def forget(tmp_path: Path, centre: httpx.Client) -> Callable[..., Any]:
    settings = settings_for(centre)
    return lambda *typed, **more: called(tmp_path, "requests", "forget", *typed, **{**settings, **more})


def asked(centre: httpx.Client, name: str, *identifiers: str) -> str:
    """Have online requests of a new model kept; its id."""
    stored = centre.post("storedModels", json={"modelMetaData": {"name": name}}).raise_for_status().json()
    snapshot = {"storedModel": stored, "metaData": {"name": "v1"}}
    snapshot = centre.post("deployableModels", json=snapshot).raise_for_status().json()
    made = centre.post("deployedModels", json={"deployableModel": snapshot, "state": "DEPLOYED"}).raise_for_status()
    moment = datetime.now(UTC).isoformat()
    requests = [{"record_id": each, "moment": moment, "record": {"id": each}} for each in identifiers]
    batch = {"id": uuid.uuid4().hex, "deployment_id": made.json()["id"], "requests": requests}
    centre.post("online-requests", json=batch).raise_for_status()
    centre.post("online-requests/exports", json={"snapshot": snapshot["id"]}).raise_for_status()
    return str(stored["id"])


def test_a_record_is_forgotten_by_the_name_of_its_model_or_its_id(
    centre: httpx.Client, forget: Callable[..., Any]
) -> None:
    model = asked(centre, MODEL, "4711", "4711", "x")
    done = forget("4711.0", "--model", MODEL)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"2 online requests with the identifier 4711.0 forgotten; 1 file of jobs deleted. {BATCHES}\n"
    told = forget("x", "--model", model, "--json")
    assert (told.returncode, json.loads(told.stdout)) == (0, {"requests": 1, "files": 0})


def test_nothing_that_is_kept_under_an_identifier_is_said_and_told_to_a_script(
    centre: httpx.Client, forget: Callable[..., Any]
) -> None:
    asked(centre, MODEL, "4711")
    said = f"No online request is kept with the identifier 471: nothing is forgotten. {BATCHES}\n"
    done = forget("471", "--model", MODEL)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    told = forget("471", "--model", MODEL, "--json")
    assert (told.returncode, json.loads(told.stdout)) == (1, {"requests": 0, "files": 0})


def test_what_is_wrong_is_one_sentence(centre: httpx.Client, forget: Callable[..., Any]) -> None:
    asked(centre, "Twice", "x")
    asked(centre, "Twice", "x")
    for typed, said in (
        (("x", "--model", "Nobody"), "no model of the name or id 'Nobody'."),
        (("x", "--model", "twicee"), "no model of the name or id 'twicee'. Was 'Twice' meant?"),
        (("x", "--model", "Twice"), "2 models are called Twice"),
        (("", "--model", MODEL), "no model of the name or id"),
    ):
        done = forget(*typed)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    elsewhere = forget("x", "--model", "Twice", MLC_CENTER_STANDALONE="false", MLC_CENTER_URL="http://127.0.0.1:9")
    assert elsewhere.returncode == 1
    assert len(elsewhere.stderr.splitlines()) == 1


def test_the_commands_of_the_documentation_work(centre: httpx.Client, forget: Callable[..., Any]) -> None:
    asked(centre, MODEL, "4711")
    page = (Path(__file__).parents[2] / "docs" / "monitors.md").read_text()
    (typed,) = re.findall(r"^mlc requests forget (.*)$", page, re.MULTILINE)
    assert forget(*shlex.split(typed)).stdout.startswith("1 online request with the identifier 4711 forgotten")
