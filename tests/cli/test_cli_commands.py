import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import ROOT, called, environment, mlc

from mlc.cli.home import typed

TABLE = "examples/breast_cancer/thresholds.dmn"
NO_SERVER = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}


def test_help_is_quick_because_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = """
import sys
sys.argv = ["mlc", "--help"]
import mlc.cli
try: mlc.cli.app()
except SystemExit: pass
heavy = {"temporalio", "pydantic", "fastapi", "httpx", "pandas", "jira", "rich.console"} & set(sys.modules)
print("HEAVY", sorted(heavy))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("HEAVY []\n")
    assert "submit" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        (["setup"], NO_SERVER, "Temporal can't be reached at 127.0.0.1:1: start it"),
        (["submit", "examples/diabetes"], NO_SERVER, "No model centre is set"),
        (
            ["submit", "examples/diabetes"],
            NO_SERVER | {"MLC_CENTER_URL": "http://127.0.0.1:1"},
            "Temporal can't be reached at 127.0.0.1:1: start it",
        ),
        (["gateway"], {}, "No secret for webhooks: set MLC_JIRA_WEBHOOK_SECRETS"),
        (["worker"], {}, "No ticket system is set up: set MLC_JIRA_URL"),
        (["worker"], {"MLC_JOB_POLL": "often"}, "MLC_JOB_POLL: write a duration in seconds or"),
        (["center"], {}, "MLC_STANDALONE_CENTER_TOKEN is not set"),
        (["dmn", "eval", "README.md"], {}, "README.md: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_goes_wrong_is_one_sentence_and_exit_code_1(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], says: str
) -> None:
    done = mlc(tmp_path, *arguments, **settings)
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(says)
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["worker", "gateway", "runtime"])
def test_a_program_warns_of_misspelt_settings_when_it_starts_and_not_of_their_values(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "mlc.env").write_text("MLC_JIRA_USR=hush\nHTTPS_PROXY=x\n")
    right = {"MLC_RUNTIME_NAME": "r", "MLC_GATEWAY_MAX_BODY": "1", "MLC_FILE_ROOT": "/", "MLC_CENTER_TIMEOUT": "1"}
    done = mlc(tmp_path, command, MLC_JIRA_TOKN="hush", MLC_QQQQ="hush", **right, **NO_SERVER)
    warnings = [line.split(" WARNING ")[1] for line in done.stderr.splitlines() if " WARNING " in line]
    assert warnings == [
        "mlc.settings MLC_JIRA_TOKN (the environment) is no setting: did you mean MLC_JIRA_TOKEN?",
        "mlc.settings MLC_QQQQ (the environment) is no setting: docs/settings.md lists all that there are.",
        "mlc.settings MLC_JIRA_USR (mlc.env) is no setting: did you mean MLC_JIRA_USER?",
    ]
    assert "hush" not in done.stderr


def test_with_debug_it_shows_where_it_went_wrong(tmp_path: Path) -> None:
    done = mlc(tmp_path, "--debug", "center")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_secret_in_a_wrong_setting_is_not_repeated(tmp_path: Path) -> None:
    done = mlc(tmp_path, "gateway", MLC_JIRA_WEBHOOK_SECRETS='{"it": "hush-hush"}')
    assert done.returncode == 1
    assert "MLC_JIRA_WEBHOOK_SECRETS" in done.stderr
    assert "hush" not in done.stderr


def test_a_mistyped_command_is_exit_code_2(tmp_path: Path) -> None:
    for arguments in (["depoy"], ["submit"], ["submit", "no/such/folder"], ["dmn", "eval", TABLE, "--input", "auc"]):
        done = mlc(tmp_path, *arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr


def test_a_decision_table_is_checked(tmp_path: Path) -> None:
    good = called(tmp_path, "dmn", "check", TABLE)
    assert (good.returncode, good.stderr) == (0, "")
    assert "auc: double" in good.stdout
    broken = tmp_path / "broken.dmn"
    broken.write_text((ROOT / TABLE).read_text().replace("&lt; 0.9", "&lt; &lt; 0.9"))
    bad = called(tmp_path, "dmn", "check", str(broken))
    assert bad.returncode == 1
    assert re.search("rule 4.*auc", bad.stdout)


def test_a_decision_table_is_evaluated_and_missing_inputs_show_in_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "inputs.json").write_text('{"accuracy": 0.99, "recall": 0.99, "f1_score": 0.99, "auc": 0.99}')
    file = ["--json", str(tmp_path / "inputs.json")]
    passed = called(tmp_path, "dmn", "eval", TABLE, *file)
    assert (passed.returncode, "no rule matched" in passed.stdout) == (0, True)
    failed = called(tmp_path, "dmn", "eval", TABLE, *file, "--input", "auc=0.5")
    assert failed.returncode == 0
    assert "passes: false" in failed.stdout
    missing = called(tmp_path, "dmn", "eval", TABLE, "--input", "auc=0.99")
    assert missing.returncode == 1
    assert '"recall" is not given' in missing.stdout


def test_commands_in_another_terminal_find_the_temporal_of_mlc_dev(tmp_path: Path) -> None:
    (tmp_path / "mlc.env").write_text("TEMPORAL_ADDRESS='127.0.0.1:2'\n")
    assert "127.0.0.1:2" in mlc(tmp_path, "setup").stderr
    assert "127.0.0.1:1" in mlc(tmp_path, "setup", **NO_SERVER).stderr
    (tmp_path / "temporal.toml").write_text('[profile.default]\naddress = "127.0.0.1:3"\n')
    configured = mlc(tmp_path, "--debug", "setup", TEMPORAL_CONFIG_FILE=str(tmp_path / "temporal.toml"))
    assert "127.0.0.1:3" in configured.stderr


def test_what_to_type_is_the_command_that_this_terminal_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tmp_path / "venv" / "bin"
    scripts.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(scripts / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert typed() == "mlc"  # nothing is known that would work better
    (scripts / "mlc").touch(mode=0o755)
    assert typed() == str(scripts / "mlc")
    monkeypatch.chdir(tmp_path)
    assert typed() == "venv/bin/mlc"
    monkeypatch.setenv("PATH", str(scripts))
    assert typed() == "mlc"
