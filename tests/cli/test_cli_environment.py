import json
import os
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest
from dotenv import dotenv_values

from mlc.center.modelop.settings import CenterSettings
from mlc.settings import DeskSettings, GatewaySettings, ProcessSettings, StandaloneCenterSettings
from mlc.standalone.environment import KEPT, CannotStart, Ports, fixed, only_one, prepare
from mlc.standalone.needs import Environments, needs, unheard
from mlc.ticketing.jira.settings import JiraSettings


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MLC_", "TEMPORAL_")) and name != "MLC_HOME":
            monkeypatch.delenv(name)


def test_the_settings_file_makes_every_part_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    prepare(tmp_path, Ports(gateway=1234, center=1235, desk=1236))
    center, store, gateway, jira = CenterSettings(), StandaloneCenterSettings(), GatewaySettings(), JiraSettings()
    assert center.url == "http://127.0.0.1:1235/model-manage/api"
    page = center.snapshot_page.format(snapshot_id="an-id")
    assert center.browse_url + page == "http://127.0.0.1:1235/snapshots/an-id"
    assert center.token is not None
    assert center.token == store.token
    assert center.contents == "reference"
    assert gateway.token is not None
    assert (gateway.port, store.signal_url) == (1234, "http://127.0.0.1:1234")
    assert gateway.token == store.signal_token
    assert jira.url == "http://127.0.0.1:1236"
    desk = DeskSettings()
    assert (desk.port, desk.webhook_url) == (1236, "http://127.0.0.1:1234/webhooks/jira")
    assert jira.webhook_secrets == [desk.webhook_secret]
    assert (jira.token, jira.user, jira.project) == (desk.token, desk.user, desk.project)
    assert (desk.center_url, desk.center_token) == (center.url, center.token)
    assert len({center.token, gateway.token, jira.token, jira.webhook_secrets[0]}) == 4
    assert ProcessSettings().job_poll.total_seconds() == 2
    assert ProcessSettings().monitor_schedule == "0 0 2 * * ?"


def test_only_its_owner_can_read_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "mlc.env").write_text("MLC_X=1\n")
    (tmp_path / "mlc.env").chmod(0o666)
    prepare(tmp_path, Ports())
    assert stat.S_IMODE((tmp_path / "mlc.env").stat().st_mode) == 0o600


def test_a_later_start_keeps_the_secrets_and_what_a_person_added_but_not_old_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(tmp_path, Ports.free())
    file = tmp_path / "mlc.env"
    edited = file.read_text().replace("MLC_JOB_POLL='PT2S'", "MLC_JOB_POLL=PT9S")
    file.write_text(edited + "MLC_OUTAGE_BUDGET=PT1H\n# mine\n")
    second = prepare(tmp_path, Ports())
    changed = {name for name in first if first[name] != second[name]}
    assert changed
    assert all("ADDRESS" in name or "URL" in name or "PORT" in name or "UI" in name for name in changed)
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    settings = ProcessSettings()
    assert (settings.outage_budget.total_seconds(), settings.job_poll.total_seconds()) == (3600, 9)
    assert "# mine" in file.read_text()
    assert prepare(tmp_path, Ports()) == second
    before = file.read_text()
    prepare(tmp_path, Ports())
    assert file.read_text() == before


def test_a_setting_that_an_earlier_release_wrote_keeps_its_value_under_its_new_name(tmp_path: Path) -> None:
    (tmp_path / "mlc.env").write_text("MLC_SETTLE=PT9S\nMLC_CENTER_SETTLE='PT2S'\nMLC_PATIENCE=PT1H\n\n# mine\n")
    prepare(tmp_path, Ports())
    kept = dotenv_values(tmp_path / "mlc.env")
    assert (kept["MLC_TICKET_INDEX_LAG"], kept["MLC_CENTER_INDEX_LAG"]) == ("PT9S", "PT2S")
    assert not kept.keys() & {"MLC_SETTLE", "MLC_CENTER_SETTLE"}
    assert kept["MLC_PATIENCE"] == "PT1H"  # a person's own line
    assert "\n\n# mine\n" in (tmp_path / "mlc.env").read_text()


def test_children_see_no_settings_that_lead_to_other_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPORAL_API_KEY", "TEMPORAL_PROFILE", "MLC_CENTER_TOKEN_URL", "MLC_JIRA_USER"):
        monkeypatch.setenv(name, "a company's")
    monkeypatch.setenv("MLC_OUTAGE_BUDGET", "PT5M")
    environments = Environments(tmp_path, prepare(tmp_path, Ports()))
    every = {program: environments.of(what) for program, what in needs().items()}
    assert not any("a company's" in env.values() for env in every.values())
    assert every["worker"]["MLC_OUTAGE_BUDGET"] == "PT5M"
    assert every["worker"]["TEMPORAL_ADDRESS"] == "127.0.0.1:7233"
    assert json.loads(every["gateway"]["MLC_JIRA_WEBHOOK_SECRETS"])


def test_free_ports_are_distinct_and_usable() -> None:
    ports = Ports.free()
    assert len(set(asdict(ports).values())) == len(asdict(ports))
    ports.check()


def test_free_ports_are_below_those_that_are_given_to_connections() -> None:
    """One of those may be in use at the next start, for which these are kept."""
    assert max(KEPT) < 32_768
    for _ in range(20):
        assert set(asdict(Ports.free()).values()) <= set(KEPT)


def test_a_port_that_is_taken_is_not_free_and_without_free_ones_the_usual_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = len(asdict(Ports()))
    with ExitStack() as held:
        taken = [held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(number)]
        monkeypatch.setattr("mlc.standalone.environment.KEPT", taken)
        assert Ports.free() == Ports()
        monkeypatch.setattr("mlc.standalone.environment.KEPT", [*taken, *KEPT])
        assert not set(asdict(Ports.free()).values()) & set(taken)


def test_a_busy_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"^Port {port}, for the gateway, .* --free-ports.$"):
            Ports(**{**asdict(Ports.free()), "gateway": port}).check()


def test_a_home_is_held_by_one_process_only_and_let_go_when_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import pathlib, time
from mlc.standalone.environment import only_one
with only_one(pathlib.Path({str(tmp_path)!r})):
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(CannotStart, match=f"process {holder.pid}"), only_one(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with only_one(tmp_path):
        assert (tmp_path / "dev.lock").read_text() == str(os.getpid())


def test_what_the_environment_says_in_vain_is_named_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, Ports())
    with (tmp_path / "mlc.env").open("a") as file:
        file.write("MLC_FILE_WRITE='[]'\n")
    for name, value in {
        "MLC_CONNECTIONS": "{}",
        "MLC_CENTER_FILES": "s3://bucket",
        "MLC_STANDALONE_CENTER_FILES": "s3://bucket",  # no setting
        "MLC_FILE_READ": "",
        "MLC_FILE_WRITE": "[]",  # as the file has it
        "MLC_JOB_POLL": "PT9S",  # counts
        "MLC_RUNTIME_TIME_LIMIT": "9",  # counts
        "MLC_CENTER_URL": "http://company",  # nobody can set it
    }.items():
        monkeypatch.setenv(name, value)
    assert unheard(tmp_path, fixed()) == ["MLC_CENTER_FILES", "MLC_CONNECTIONS"]


def test_free_ports_are_the_last_ones_as_long_as_nobody_has_taken_one(tmp_path: Path) -> None:
    first = Ports.last(tmp_path)
    assert Ports.last(tmp_path) == first
    with socket.create_server(("127.0.0.1", first.desk)):
        second = Ports.last(tmp_path)
    assert second != first
    assert Ports.last(tmp_path) == second


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}x", '{"gateway": "a"}', '{"gateway": -1}', '{"gateway": 99999}', '{"no": 1}', '{"gateway": 0}'],
)
def test_what_is_no_list_of_ports_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    found = Ports.last(tmp_path)
    assert Ports.last(tmp_path) == found
    assert found.gateway in KEPT
