"""``mlc policy``, typed as an operator types it, against a real centre."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_process import called
from served_centre import TOKEN, client_of_a_centre, settings_for

EXAMPLE = Path(__file__).parents[2] / "examples/policy.example.yaml"
DIGEST = hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
Typed = Callable[..., Any]


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[httpx.Client]:
    with client_of_a_centre(tmp_path) as client:
        yield client


@pytest.fixture
def policy(tmp_path: Path, centre: httpx.Client) -> Typed:
    settings = {**settings_for(centre), "MLC_JIRA_URL": "http://127.0.0.1:9"}
    return lambda *typed, **more: called(tmp_path, "policy", *map(str, typed), **{**settings, **more})


def changed(tmp_path: Path, old: str, new: str) -> Path:
    file, text = tmp_path / "changed.yaml", EXAMPLE.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


def a_snapshot(centre: httpx.Client, **model: Any) -> str:
    stored = {"modelMetaData": {"name": "Credit", "modelStage": "PROD", **model}}
    stored = centre.post("storedModels", json=stored).raise_for_status().json()
    snapshot = {"storedModel": stored, "metaData": {"name": "Credit-20260101_000000"}}
    return str(centre.post("deployableModels", json=snapshot).raise_for_status().json()["id"])


def test_a_policy_is_checked_line_by_line_without_a_centre(tmp_path: Path, policy: Typed) -> None:
    elsewhere = {"MLC_CENTER_URL": "http://127.0.0.1:9"}
    good = policy("check", EXAMPLE, **elsewhere)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("is a policy of 2 rules, with 3 people.\n")
    wrong = policy("check", changed(tmp_path, "due: 5 days", "duee: 5 days"), **elsewhere)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "line 32: rules[0].duee is not known here: was 'due' meant?" in wrong.stderr
    warned = policy("check", changed(tmp_path, "[ada, grace, alan]", "[ada, grace]"), **elsewhere)
    assert (warned.returncode, warned.stderr) == (0, "Warning: 'alan' is in no group: this person approves nothing.\n")
    missing = policy("check", tmp_path / "nothing.yaml")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)


def test_a_policy_is_put_shown_and_listed_with_what_it_changed(
    tmp_path: Path, centre: httpx.Client, policy: Typed
) -> None:
    assert policy("list").stdout == "The model centre has no policy: what tags ask for counts.\n"
    none = policy("show")
    assert (none.returncode, "has no policy" in none.stderr) == (1, True)
    tried = policy("put", EXAMPLE, "--dry-run")
    assert tried.stdout.splitlines() == ["It is the model centre's first policy.", "Nothing was changed."]
    assert policy("put", EXAMPLE).stdout.splitlines()[-1].startswith(f"The policy {DIGEST} is current since ")
    assert policy("put", EXAMPLE).stdout.startswith("It is the current policy already")
    second = policy("put", changed(tmp_path, "due: 5 days", "due: 4 days"))
    assert {"-    due: 5 days", "+    due: 4 days"} <= set(second.stdout.splitlines())
    assert policy("show").stdout == (tmp_path / "changed.yaml").read_text()
    assert policy("show", DIGEST[:8].upper()).stdout == EXAMPLE.read_text()
    assert json.loads(policy("show", DIGEST, "--json").stdout)["put_by"] == "operator"
    newest, oldest = policy("list").stdout.splitlines()
    assert newest.endswith("by operator  current")
    assert oldest.startswith(f"{DIGEST}  since ")
    assert len(json.loads(policy("list", "--json").stdout)["policies"]) == 2
    for nothing in ("abc", "0" * 64):
        assert policy("show", nothing).returncode == 1


def test_what_is_no_policy_is_not_put(tmp_path: Path, centre: httpx.Client, policy: Typed) -> None:
    done = policy("put", changed(tmp_path, "version: 1", "version: 2"))
    assert (done.returncode, "this software reads version 1" in done.stderr) == (1, True)
    assert centre.get("policies").json() == {"policies": []}


def test_what_is_asked_of_a_snapshot_is_explained_rule_by_rule(centre: httpx.Client, policy: Typed) -> None:
    snapshot = a_snapshot(centre, modelRisk="low")
    without = policy("explain", snapshot)
    assert (without.returncode, "has no policy" in without.stderr) == (1, True)
    policy("put", EXAMPLE)
    for name in (snapshot, "Credit", "Credit-20260101_000000"):
        done = policy("explain", name)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[0] == f"Snapshot      Credit-20260101_000000  {snapshot}"
    shown = done.stdout
    assert "+ production: applies: stage is prod" in shown
    assert "Asked for:\n  steps: test, table, review" in shown
    told = json.loads(policy("explain", snapshot, "--json").stdout)
    assert told["policy"] == DIGEST
    assert told["facts"]["stage"] == ["prod"]
    assert [rule["applies"] for rule in told["rules"]] == [True, told["facts"]["risk"] == [None]]
    nothing = policy("explain", "Nobody's")
    assert (nothing.returncode, len(nothing.stderr.splitlines())) == (1, 1)


def test_a_centre_without_a_place_for_policies_says_so_in_a_sentence(policy: Typed) -> None:
    for typed in (("list",), ("show",), ("put", EXAMPLE), ("explain", "x")):
        done = policy(*typed, MLC_CENTER_STANDALONE="false")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The model centre can't keep governance policies.")
        assert len(done.stderr.splitlines()) == 1


def test_the_current_policy_exempts_tags_that_are_meant_as_they_are(
    tmp_path: Path, centre: httpx.Client, policy: Typed
) -> None:
    settings = {"MLC_CENTER_URL": str(centre.base_url).rstrip("/"), "MLC_CENTER_TOKEN": TOKEN}
    folder = tmp_path / "model"
    assert called(tmp_path, "init", str(folder)).returncode == 0

    def validated(**more: str) -> tuple[int, bool]:
        done = called(tmp_path, "validate", str(folder), "--tag", "brain", "--tag", "trail", **{**settings, **more})
        return done.returncode, "The tag 'trail' looks like 'train', which asks for training" in done.stdout

    standalone = {"MLC_CENTER_STANDALONE": "true"}
    assert validated(**standalone) == (1, True)
    policy("put", changed(tmp_path, "not_control: [brain]", "not_control: [brain, trail]"))
    assert validated(**standalone) == (0, False)
    assert validated(MLC_CENTER_STANDALONE="false") == (1, True), "a centre that has no policy exempts nothing"
    assert validated(MLC_CENTER_URL="http://127.0.0.1:9", **standalone)[0] == 1
