"""Each process of standalone mode is told the settings that it needs, and no secret of another's."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cli_process import Dev, wait_until
from pydantic import SecretBytes, SecretStr

import mlc.center.configured  # a group of settings is known once it is imported
import mlc.ticketing.registry  # noqa: F401
from mlc import start
from mlc.model.secret_names import names_secret
from mlc.settings import RuntimeSettings
from mlc.settings.reading import Group, groups
from mlc.standalone.dev import Standalone
from mlc.standalone.environment import Ports, prepare
from mlc.standalone.home import held
from mlc.standalone.needs import BATCH_RUNTIME, ONLINE_RUNTIME, Environments, Part, needs

pytestmark = pytest.mark.timeout(300)

RUNTIMES = {BATCH_RUNTIME, ONLINE_RUNTIME}
WHO_KNOWS: dict[str, set[str]] = {
    "MLC_CENTER_TOKEN": {"worker", "gateway", "demo"},
    "MLC_CENTER_CLIENT_SECRET": {"worker", "gateway", "demo"},
    "MLC_STANDALONE_CENTER_TOKEN": {"center"},
    "MLC_STANDALONE_CENTER_SIGNAL_TOKEN": {"center"},
    "MLC_CENTER_DATABASE": {"center"},
    "MLC_DESK_DATABASE": {"desk"},
    "MLC_DESK_TOKEN": {"desk"},
    "MLC_DESK_WEBHOOK_SECRET": {"desk"},
    "MLC_DESK_SERVICENOW_WEBHOOK_SECRET": {"desk"},
    "MLC_DESK_CENTER_TOKEN": {"desk"},
    "MLC_JIRA_TOKEN": {"worker", "demo"},
    "MLC_JIRA_WEBHOOK_SECRETS": {"gateway"},
    "MLC_SERVICENOW_PASSWORD": {"worker", "demo"},
    "MLC_SERVICENOW_CLIENT_SECRET": {"worker", "demo"},
    "MLC_SERVICENOW_TOKEN": {"worker", "demo"},
    "MLC_SERVICENOW_WEBHOOK_SECRETS": {"gateway"},
    "MLC_GATEWAY_TOKEN": {"gateway", "demo"},
    "MLC_GATEWAY_WEBHOOK_TOKEN": {"gateway"},
    "MLC_RUNTIME_TOKEN": {ONLINE_RUNTIME},
    "MLC_CONNECTIONS": {"center", *RUNTIMES},
}
"""Every secret, and the programs that are told it. A new one is decided about here: who can't do without it?"""
NO_SECRETS = {
    *("MLC_CENTER_TOKEN_URL", "MLC_CENTER_TOKEN_SCOPE", "MLC_CENTER_FIND_JOBS_BY_KEY", "MLC_MONITOR_KEYS"),
}
"""Settings whose names sound as if they were."""
TEMPORAL = {"center", "setup", "worker", "gateway", "demo", *RUNTIMES}
"""Who speaks with it."""
OF_OTHERS = {
    "AWS_SECRET_ACCESS_KEY": "aws",
    "GITHUB_TOKEN": "github",
    "DATABASE_URL": "postgres://me:pw@db",
    "SSH_AUTH_SOCK": "/agent",
    "TEMPORAL_API_KEY": "cloud",
    "MLC_JIRA_TOKEN": "company's",
    "MLC_SERVICENOW_CLIENT_SECRET": "company's",
    "MLC_CENTER_CLIENT_SECRET": "company's",
    "MLC_RUNTIME_ENVIRONMENT": '["AWS_SECRET_ACCESS_KEY"]',
    "NETRC": "/etc/netrc",
    "HTTPS_PROXY": "http://me:pw@proxy:3128",
}
"""What a person may have in their environment. No process of ours needs it, but for a proxy, by which pip goes."""


def ours() -> list[type[Group]]:
    """The groups of the project; tests have some of their own."""
    return [group for group in groups() if group.__module__.startswith("mlc.")]


def secrets() -> dict[str, str]:
    """A value for every secret that there is, by its variable."""
    names = {group.variable(field): group.model_fields[field] for group in ours() for field in group.secrets()}
    return {
        name: f'["{name}-is-secret"]' if "list" in str(info.annotation) else f"{name}-is-secret"
        for name, info in names.items()
    }


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MLC_", "TEMPORAL_")) and name != "MLC_HOME":
            monkeypatch.delenv(name)


def test_every_secret_has_been_decided_about() -> None:
    assert WHO_KNOWS.keys() == secrets().keys(), "decide who is told a new secret: in needs.py, and in this table"
    assert set().union(*WHO_KNOWS.values()) <= needs().keys()


def test_what_sounds_like_a_secret_is_one_by_its_type() -> None:
    plain = {
        group.variable(field)
        for group in ours()
        for field, info in group.model_fields.items()
        if field not in group.secrets() and info.annotation is not bool and names_secret(field)
    }
    assert plain == NO_SECRETS


def test_a_secret_is_one_wherever_its_type_is() -> None:
    class Various(Group):
        one: SecretStr | None = None
        many: list[SecretStr] = []
        named: dict[str, SecretBytes | None] = {}
        none: str = ""

    assert Various.secrets() == {"one", "many", "named"}


@pytest.mark.parametrize("program", needs())
def test_a_program_is_told_its_secrets_and_no_others(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OF_OTHERS.items():
        monkeypatch.setenv(name, value)
    told = Environments(tmp_path, secrets()).of(needs()[program])
    assert {name for name in WHO_KNOWS if name in told} == {name for name, who in WHO_KNOWS.items() if program in who}
    assert {name for name, value in secrets().items() if value in told.values()} == told.keys() & WHO_KNOWS.keys()
    assert told.keys() & OF_OTHERS.keys() - WHO_KNOWS.keys() == ({"HTTPS_PROXY"} if program in RUNTIMES else set())
    assert not {"company's", "aws", "cloud"} & set(told.values())


def test_a_name_that_is_no_secret_is_not_withheld_by_mistake() -> None:
    with pytest.raises(ValueError, match="RuntimeSettings has no secret tokn"):
        Part(RuntimeSettings, frozenset({"tokn"}))


def test_what_a_person_adds_to_the_file_reaches_the_program_that_needs_it(tmp_path: Path) -> None:
    added = {
        "MLC_GATEWAY_WEBHOOK_TOKEN": ("gateway", "MLC_GATEWAY_WEBHOOK_TOKEN"),
        "MLC_RUNTIME_MEMORY_LIMIT_MB": (BATCH_RUNTIME, "MLC_RUNTIME_MEMORY_LIMIT_MB"),
        "mlc_runtime_token": (ONLINE_RUNTIME, "MLC_RUNTIME_TOKEN"),
        "MLC_PATIENCE": ("worker", "MLC_OUTAGE_BUDGET"),
        "MLC_CENTER_CLIENT_SECRET": ("worker", "MLC_CENTER_CLIENT_SECRET"),
        "MLC_SERVICENOW_TOKEN": ("worker", "MLC_SERVICENOW_TOKEN"),
        "MLC_DESK_PROJECT": ("desk", "MLC_DESK_PROJECT"),
        "MLC_STANDALONE_CENTER_ENGINE_TIMEOUT": ("center", "MLC_STANDALONE_CENTER_ENGINE_TIMEOUT"),
    }
    (tmp_path / "mlc.env").write_text("".join(f"{name}='17'\n" for name in added) + "MLC_JIRA_PROJECT=\nHUSH=hush\n")
    environments = Environments(tmp_path, prepare(tmp_path, Ports()))
    for program, variable in added.values():
        assert environments.of(needs()[program])[variable] == "17", variable
    for program, what in needs().items():
        told = environments.of(what)
        assert "HUSH" not in told
        assert "MLC_JIRA_PROJECT" not in told
        assert ("MLC_RUNTIME_TOKEN" in told) == (program == ONLINE_RUNTIME)


@pytest.mark.parametrize(
    ("environment", "file", "told"),
    [
        ({}, "MLC_JOB_POLL=9", "9"),
        ({"MLC_JOB_POLL": "5"}, "MLC_JOB_POLL=9", "5"),
        ({"mlc_job_poll": "5"}, "MLC_JOB_POLL=9", "5"),
        ({"MLC_JOB_POLL": ""}, "MLC_JOB_POLL=9", "9"),
        ({}, "mlc_job_poll=9", "9"),
        ({"NINE": "9"}, "MLC_JOB_POLL=${NINE}", "9"),
        ({}, "MLC_JOB_POLL=", None),
        ({}, "MLC_JOB_POLL", None),
    ],
)
def test_the_environment_still_wins_over_the_file(
    environment: dict[str, str], file: str, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "mlc.env").write_text(f"{file}\n")
    assert Environments(tmp_path, {}).of(needs()["worker"]).get("MLC_JOB_POLL") == told


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        ('["MODEL_REGION", "EMPTY", "NOT_THERE"]', {"MODEL_REGION"}),
        ('["AWS_SECRET_ACCESS_KEY"]', {"AWS_SECRET_ACCESS_KEY"}),
        ('["MLC_JIRA_TOKEN", "TEMPORAL_API_KEY", "mlc_jira_token"]', set()),
        ('["MODEL_", ""]', set()),
        ('{"MODEL_REGION": 1}', set()),
        ('"MODEL_REGION"', set()),
        ("[1, null]", set()),
        ("not JSON", set()),
        ("", set()),
    ],
)
def test_what_models_may_see_reaches_the_runtimes_alone(
    named: str, seen: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**OF_OTHERS, "MODEL_REGION": "eu", "EMPTY": "", "mlc_jira_token": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLC_RUNTIME_ENVIRONMENT")
    monkeypatch.delenv("HTTPS_PROXY")
    (tmp_path / "mlc.env").write_text(f"MLC_RUNTIME_ENVIRONMENT='{named}'\n")
    environments = Environments(tmp_path, {})
    for program, what in needs().items():
        told = environments.of(what).keys() & {*OF_OTHERS, "MODEL_REGION", "EMPTY", "mlc_jira_token"}
        assert told - {"MLC_RUNTIME_ENVIRONMENT"} == (seen if program in RUNTIMES else set()), program


@pytest.mark.parametrize("program", sorted(RUNTIMES))
def test_how_models_are_isolated_counts_from_outside_before_the_file(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level that somebody names must not silently be another one; who a runtime is stays standalone mode's."""
    outside = {"MLC_RUNTIME_ISOLATION": "bubblewarp", "MLC_RUNTIME_NETWORK": "true", "MLC_RUNTIME_TIME_LIMIT": "7"}
    its_own = {"MLC_RUNTIME_NAME": "x", "MLC_RUNTIME_TOKEN": "x", "MLC_RUNTIME_WORK_DIR": "x", "MLC_RUNTIME_PORT": "1"}
    for name, value in {**outside, **its_own}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "mlc.env").write_text("MLC_RUNTIME_ISOLATION=process\n")
    told = Environments(tmp_path, prepare(tmp_path, Ports())).of(needs()[program])
    assert {name: told.get(name) for name in outside} == outside
    assert not told.keys() & its_own.keys()


def test_what_is_relative_to_the_current_folder_is_not_handed_on_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".::bin:/usr/bin:../x:/bin")
    monkeypatch.setenv("LD_LIBRARY_PATH", ":lib")
    monkeypatch.setenv("SSL_CERT_FILE", "ca.pem")
    told = Environments(tmp_path, {}).of(needs()[BATCH_RUNTIME])
    assert told["PATH"] == "/usr/bin:/bin"
    assert "LD_LIBRARY_PATH" not in told
    assert told["SSL_CERT_FILE"] == str(tmp_path / "ca.pem")


def test_a_runtime_goes_by_a_proxy_to_package_indexes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", ".example.org")
    monkeypatch.delenv("NO_PROXY", raising=False)
    told = Environments(tmp_path, {}).of(needs()[BATCH_RUNTIME])
    assert told["https_proxy"] == "http://proxy:3128"
    assert told["NO_PROXY"] == told["no_proxy"] == ".example.org,127.0.0.1,localhost"


@pytest.mark.parametrize("program", needs())
def test_a_child_reads_no_file_and_is_told_everything_of_its_groups(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its environment each group is what it was with the home's file."""
    (tmp_path / "mlc.env").write_text(
        "MLC_JOB_POLL=7\nMLC_FILE_HOSTS='[\"data.example\"]'\nMLC_RUNTIME_TAGS='[\"a\"]'\n"
    )
    environments = Environments(tmp_path, prepare(tmp_path, Ports()))
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    before = {part.group: part.group() for part in needs()[program].parts}
    told = environments.of(needs()[program])
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for part in needs()[program].parts:
        withheld, now = set(part.group.secrets() - part.secrets), part.group()
        assert now.model_dump(exclude=withheld) == before[part.group].model_dump(exclude=withheld)
        assert not any(getattr(now, field) for field in withheld)


RECORDING = """
import sys
from pathlib import Path
folder, *sys.argv = sys.argv[1:]
from mlc import temporal
from mlc.settings.reading import Group
name = sys.argv[3] if sys.argv[1] == "runtime" else sys.argv[1]
def note(what): open(Path(folder) / name, "a").write(what + chr(10))
made = Group.__init__
def init(self, **values): note(type(self).__name__); made(self, **values)
Group.__init__ = init
loading = temporal.ClientConfig.load_client_connect_config
def load(*arguments, **more): note("Temporal"); return loading(*arguments, **more)
temporal.ClientConfig.load_client_connect_config = load
from mlc.cli import main
main()
"""


async def test_a_program_reads_no_settings_that_it_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that did would go by defaults, whatever a person had written to mlc.env."""
    seen, recording = tmp_path / "seen", tmp_path / "recording.py"
    seen.mkdir()
    recording.write_text(RECORDING)

    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-I", str(recording), str(seen), "mlc", *arguments]

    monkeypatch.setattr(start, "command", command)
    with held(tmp_path / "home", print):
        system = Standalone(tmp_path / "home", Ports.free(), print)
        try:
            await system.start()
        finally:
            await system.stop()
    programs = needs().keys() - {"temporal", "demo"}
    assert {file.name for file in seen.iterdir()} == programs
    for program in programs:
        read = set((seen / program).read_text().split())
        told = {part.group.__name__ for part in needs()[program].parts}
        assert read - {"Temporal"} <= told, program
        assert needs()[program].temporal or "Temporal" not in read, program
    assert {program for program, what in needs().items() if what.temporal} == TEMPORAL


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """`mlc dev` of somebody who has secrets for other systems, and more settings in mlc.env."""
    home = tmp_path_factory.mktemp("needs") / "home"
    home.mkdir()
    (home / "mlc.env").write_text(
        "MLC_GATEWAY_WEBHOOK_TOKEN=webhook-hush\nMLC_RUNTIME_TOKEN=runtime-hush\nMLC_JIRA_TOKN=hush\n"
    )
    with Dev(home, **OF_OTHERS) as running:
        running.ready()
        yield running
        assert running.end(signal.SIGTERM) == 0


def test_the_environment_of_each_running_process_has_its_secrets_and_no_others(dev: Dev) -> None:
    children = dev.children()
    assert children.keys() == needs().keys() - {"setup", "demo"}
    known = {name: dev.setting(name) for name in WHO_KNOWS if name in (dev.home / "mlc.env").read_text()}
    assert len(known) >= 12
    for program, process in children.items():
        told = process.environ()
        own = told.pop("MLC_CENTER_TOKEN") if program in RUNTIMES else ""
        assert own not in known.values(), program
        may = {name for name, who in WHO_KNOWS.items() if program in who}
        assert told.keys() & WHO_KNOWS.keys() == may & known.keys(), program
        # By whatever name: one secret has several, one for each side of a connection.
        values = {known[name] for name in may & known.keys()}
        assert {value for value in told.values() if value in known.values()} == values, program
        assert not {"company's", "aws", "github", "cloud"} & set(told.values()), program
        assert ("TEMPORAL_ADDRESS" in told) == (program in TEMPORAL), program
        assert not {name for name in told if name.startswith("PYTHON")}, program
        words = " ".join(process.cmdline())
        assert not [name for name, value in known.items() if value in words], program


def test_a_setting_that_is_none_is_told_by_what_still_reads_the_file(dev: Dev) -> None:
    assert "! MLC_JIRA_TOKN (mlc.env) is no setting: did you mean MLC_JIRA_TOKEN?" in dev.said()
    assert "hush" not in dev.said()


async def test_a_runtime_has_a_token_that_no_other_process_has_and_by_which_it_can_do_little(dev: Dev) -> None:
    tokens = {name: dev.children()[name].environ()["MLC_CENTER_TOKEN"] for name in RUNTIMES}
    assert len(set(tokens.values())) == len(RUNTIMES)
    for name, process in dev.children().items():
        assert not {token for runtime, token in tokens.items() if runtime != name} & set(process.environ().values())
    url = dev.setting("MLC_CENTER_URL")
    async with httpx.AsyncClient() as http:
        for token in tokens.values():
            headers = {"Authorization": f"Bearer {token}"}
            assert (await http.get(f"{url}/storedModels", headers=headers)).status_code == 403
            made = await http.post(f"{url}/deployableModels", json={}, headers=headers)
            assert made.status_code == 403


def test_a_runtime_that_was_killed_comes_back_with_its_token(dev: Dev) -> None:
    killed = dev.children()[BATCH_RUNTIME]
    token = killed.environ()["MLC_CENTER_TOKEN"]
    killed.kill()
    wait_until(lambda: dev.children().get(BATCH_RUNTIME) not in (None, killed))
    assert wait_until(lambda: dev.children()[BATCH_RUNTIME].environ().get("MLC_CENTER_TOKEN")) == token


def test_every_group_is_for_some_program() -> None:
    assert {part.group for what in needs().values() for part in what.parts} == set(ours())
