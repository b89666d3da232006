import io
import re
import signal
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cli_process import BY_SCRIPT, Dev, alive, environment, wait_until
from hostile_folder import LEADING_HERE, HostileFolder
from rich.console import Console

from mlc.standalone.demo import run as demo
from mlc.standalone.demo.operate import DRIFT_MONITOR
from mlc.standalone.demo.outcomes import Expected, Seen, checks
from mlc.standalone.demo.reviewer import Ticket
from mlc.standalone.demo.run import run_demo, submissions
from mlc.standalone.environment import CannotStart

pytestmark = pytest.mark.timeout(300)

TODAY = date(2026, 3, 1)
REVIEW = Ticket(key="MLR-2", url="http://desk/browse/MLR-2", kind="review", step="review", status="Done", text="?")
REJECTION = replace(REVIEW, key="MLR-1", kind="rejection", text="no asset with the role TEST_DATA")
RIGHT = Seen(
    outcome="deployed",
    deployments=frozenset({"batch"}),
    decision="approved",
    expires=TODAY + timedelta(365),
    tickets=(REJECTION, REVIEW),
)
ONLINE = replace(
    RIGHT,
    deployments=frozenset({"batch", "online on online-prod"}),
    expires=TODAY + timedelta(180),
    tickets=(REVIEW,),
    answer={"record_id": 513, "score": 0},
)
REFUSED = Seen(
    outcome="rejected",
    decision="rejected",
    tickets=(replace(REJECTION, text="Accuracy is below 0.85; Recall is below; F1 score is below; AUC is below"),),
)


def expected(folder: str, *, approve: bool = True) -> Expected:
    return next(each.expected for each in submissions(TODAY, approve=approve) if each.folder.name == folder)


def wrong(folder: str, seen: Seen) -> list[str]:
    return [check.seen for check in checks(expected(folder), seen) if not check.right]


def test_what_came_out_as_expected_is_right() -> None:
    assert wrong("breast_cancer", ONLINE) == []
    assert wrong("diabetes", RIGHT) == []
    assert wrong("breast_cancer_weak", REFUSED) == []
    any_day = replace(RIGHT, expires=TODAY + timedelta(9))
    assert all(check.right for check in checks(expected("diabetes", approve=False), any_day))


@pytest.mark.parametrize(
    ("folder", "seen", "because"),
    [
        ("breast_cancer", replace(ONLINE, outcome="rejected"), "rejected"),
        ("breast_cancer", replace(ONLINE, trouble="no runtime"), "deployed: no runtime"),
        ("breast_cancer", replace(ONLINE, deployments=frozenset({"batch"})), "batch"),
        ("breast_cancer", replace(ONLINE, expires=TODAY + timedelta(365)), "approved until 2027-03-01"),
        ("breast_cancer", replace(ONLINE, expires=None), "approved"),
        ("breast_cancer", replace(ONLINE, answer=None), "score None"),
        ("breast_cancer", replace(ONLINE, answer="The model failed."), "score None"),
        ("breast_cancer", replace(ONLINE, decision="overridden"), f"overridden until {ONLINE.expires}"),
        ("diabetes", replace(RIGHT, deployments=ONLINE.deployments), "online on online-prod and batch"),
        ("diabetes", replace(RIGHT, tickets=(REVIEW,)), "no rejection ticket"),
        ("diabetes", replace(RIGHT, tickets=(replace(REJECTION, text="An outage."),)), "no word of: TEST_DATA"),
        ("diabetes", replace(RIGHT, tickets=(replace(REVIEW, text="TEST_DATA"),)), "no rejection ticket"),
        ("breast_cancer_weak", replace(REFUSED, outcome="deployed"), "deployed"),
        ("breast_cancer_weak", replace(REFUSED, deployments=frozenset({"batch"})), "batch"),
        ("breast_cancer_weak", replace(REFUSED, decision=None), "nobody decided"),
        ("breast_cancer_weak", replace(REFUSED, tickets=(replace(REJECTION, text="Accuracy is below 0.85"),)),
         "no word of: Recall is below, F1 score is below, AUC is below"),
    ],
)  # fmt: skip
def test_whatever_came_out_otherwise_is_wrong_and_said(folder: str, seen: Seen, because: str) -> None:
    assert wrong(folder, seen) == [because]


@dataclass(frozen=True)
class Played:
    """The demo with its own reviewer, to its end, started in a hostile folder."""

    done: subprocess.CompletedProcess[str]
    home: Path
    hostile: HostileFolder


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo")
    home, hostile = folder / "home", HostileFolder(folder / "started here")
    done = subprocess.run(
        [*BY_SCRIPT, "demo", "--approve", "--exit", "--free-ports"],
        env=environment(home, **LEADING_HERE),
        cwd=hostile.folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return Played(done, home, hostile)


def test_it_is_played_in_any_folder_and_nothing_of_that_is_executed(played: Played) -> None:
    assert played.done.returncode == 0, played.done.stdout
    assert played.hostile.executed() == []


def test_the_demo_with_its_own_reviewer_ends_well(played: Played) -> None:
    done, said = played.done, played.done.stdout
    assert (done.returncode, done.stderr) == (0, ""), said
    for what in ("Temporal UI", "Ticket board", "Model centre"):
        assert re.search(rf"^{what} +http://127\.0\.0\.1:\d+$", said, re.MULTILINE)
    first, second, third = re.split(r"^\d of 3  ", said.partition("\nOutcomes")[0], flags=re.MULTILINE)[1:]

    a_time, ticket = r"^\d\d:\d\d:\d\d  ", r"http://127\.0\.0\.1:\d+/browse/MLR-\d"
    for phase in ("submitted", "training", "testing", "review", "expiration", "monitors", "deployment", "supersede"):
        assert re.search(rf"{a_time}{phase} +done .*\(\d+\.\d s\)$", first, re.MULTILINE), phase
    until = datetime.now(UTC).date() + timedelta(180)
    assert re.search(rf"{a_time}review +waiting .*for an answer to MLR-1 \({ticket}\)", first, re.MULTILINE)
    assert re.search(
        rf"{a_time}reviewer +MLR-1 +Expiration Date set to {until}, .* moved to Done$", first, re.MULTILINE
    )
    assert re.search(r'request +POST \S+/online-prod/deployments/[\w-]+/score \{"record_id": 513, ', first)
    assert re.search(r'answer +200 \{"record_id":513,"score":0,"probability":0\.\d+\}', first)

    assert re.search(r"testing +failed +.*has no asset with the role TEST_DATA", second)
    assert re.search(rf"testing +waiting +for an answer to MLR-2 \({ticket}\)", second)
    assert re.search(r"repair +MLR-2 +test\.csv added to the snapshot", second)
    assert re.search(r"testing +done +rmse", second)
    assert re.search(r"review +failed .*Accuracy is below 0\.85.*Recall.*F1 score.*AUC", third)
    assert re.search(r"reviewer +MLR-4 .*moved to Rejected", third)
    assert [re.findall(r"outcome +(\w+)", part) for part in (first, second, third)] == [
        ["deployed"],
        ["deployed"],
        ["rejected"],
    ]

    passing, failing, nightly, drifting = re.split(
        r"^.*: a back test on .*$|^.*: scored every night .*$|^.*: a drifted batch.*$", third, flags=re.MULTILINE
    )[1:]
    assert re.search(rf"{a_time}analysis +done +passed", passing, re.MULTILINE)
    assert re.search(rf"{a_time}(report|done) +ticket +INC\d+ http://", failing, re.MULTILINE)
    assert re.search(rf"{a_time}schedule +fired +batch-diabetes-nightly-", nightly, re.MULTILINE)
    assert re.search(r"output +scored\.csv +record_id,", nightly)
    scored = (played.home / "files" / "scored.csv").read_text()
    assert len(scored.splitlines()) == 46

    assert re.search(rf"{a_time}monitor +failed +{DRIFT_MONITOR}", drifting, re.MULTILINE)
    assert re.search(rf"{a_time}monitor +failed +It goes on on 20", drifting, re.MULTILINE)
    assert re.search(rf"{a_time}monitor +passed +It is over: the result of 20", drifting, re.MULTILINE)

    table = said.partition("\nOutcomes")[2]
    assert (table.count("✓"), table.count("✗")) == (31, 0)
    assert said.rstrip().splitlines()[-2] == "Every outcome is as expected."


class Person:
    """Decides on the board, with its forms."""

    def __init__(self, address: str) -> None:
        self.browser = httpx.Client(base_url=address.rpartition("/browse/")[0])
        self.page = "/browse/" + address.rpartition("/")[2]

    def read(self) -> str:
        return self.browser.get(self.page).raise_for_status().text

    def move(self, status: str) -> None:
        page = self.read()
        [key] = re.findall(r'name="form_key" value="([^"]+)"', page)
        said = f"(?:{status}|[^<]* <small>{status}</small>)"
        [to] = re.findall(rf'<button name="to" value="(\d+)"[^>]*>{said}</button>', page)
        [version] = re.findall(r'name="version" value="([^"]+)"', page)
        form = {"form_key": key, "version": version, "name": "Ada", "comment": "No.", "to": to}
        answer = self.browser.post(self.page, data=form)
        assert answer.status_code == 303


def test_without_approve_a_person_decides_and_deciding_otherwise_shows_in_the_exit_code(tmp_path: Path) -> None:
    with Dev(tmp_path / "home", "demo", "--exit") as running:

        def asked(ticket: str) -> Person:
            request = rf"^\S+  you +{ticket} +Please open (http://\S+/browse/{ticket}) and (.*)$"
            found = wait_until(lambda: re.search(request, running.said(), re.MULTILINE), 120, running.said)
            assert found
            assert "Rejected" in found[2]
            running.children()
            return Person(found[1])

        asked("MLR-1").move("Rejected")  # which the process records on MLR-2
        repaired = asked("MLR-3")
        assert "test.csv has been added to the snapshot" in repaired.read()
        repaired.move("Rejected")
        asked("MLR-4").move("Rejected")
        assert running.process.wait(60) == 1
        said = running.said()
        assert re.findall(r"outcome +(\w+)", said) == ["rejected"] * 3
        assert re.search(r"ticket +MLR-2 http://", said)
        assert "Other than expected: Breast Cancer Diagnosis, Diabetes Progression." in said
        wait_until(lambda: not any(map(alive, running.seen)))


def test_it_can_be_interrupted_while_it_starts(tmp_path: Path) -> None:
    with Dev(tmp_path / "home", "demo", "--approve", "--exit") as running:
        wait_until((tmp_path / "home" / "logs" / "temporal.log").exists)
        assert running.end(signal.SIGINT) == 130


async def test_without_the_examples_it_says_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "EXAMPLES", tmp_path / "none")
    with pytest.raises(CannotStart, match=r"There are no models in .*none: build the wheel from a clone"):
        await run_demo(tmp_path, approve=True, leave=True, free_ports=True, console=Console(file=io.StringIO()))
