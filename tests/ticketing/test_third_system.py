"""A third ticket system keeps the contract, and nothing but the registry had to be touched for it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from third_system import TRACKER
from third_system.site import TrackerSite, register, tracking

from mlc.check.gateway import check_gateway
from mlc.check.report import check_everything
from mlc.model.failure import Refused
from mlc.model.finding import Mark
from mlc.settings.reading import what_is_wrong
from mlc.testing.ticketing import TicketingContract, TicketingFaults, TicketSystemContract
from mlc.ticketing import registry
from mlc.ticketing.system import TicketSystem
from mlc.worker import NotConfigured, ticket_systems

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def site() -> Iterator[TrackerSite]:
    with tracking() as site:
        yield site


@pytest.fixture
def system() -> TicketSystem[Any]:
    return TRACKER


class TestContract(TicketingContract):
    pass


class TestFaults(TicketingFaults):
    pass


class TestSystem(TicketSystemContract):
    @pytest.fixture(autouse=True)
    def no_settings_of_this_machine(self, no_variables: None) -> None:
        """Nothing is set up here."""


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, no_variables: None, site: TrackerSite) -> pytest.MonkeyPatch:
    """The tracker is in the registry and, by its variables, set up."""
    register(monkeypatch)
    monkeypatch.setenv("MLC_TRACKER_URL", site.url)
    monkeypatch.setenv("MLC_TRACKER_TOKEN", site.secrets[0])
    return monkeypatch


async def test_mlc_check_has_a_section_of_it(registered: pytest.MonkeyPatch) -> None:
    registered.setenv("MLC_TICKETING", "tracker")
    sections = {section.title: section for section in await check_everything()}
    assert sections["Tracker"].right
    assert {"Jira", "ServiceNow", "Tickets"}.isdisjoint(sections)
    registered.setenv("MLC_TRACKER_BOARD", "none")
    sections = {section.title: section for section in await check_everything()}
    assert [finding.mark for finding in sections["Tracker"].findings] == [Mark.WRONG]
    (first, *_) = [finding async for finding in check_gateway()]
    assert (first.mark, first.what) == (Mark.WRONG, "No secret for Tracker's webhooks is set")
    assert "MLC_TRACKER_WEBHOOK_SECRETS" in first.remedy


def test_a_worker_takes_it(registered: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotConfigured, match=r"No Jira is set up, though tickets go there .*MLC_TICKETING=tracker"):
        ticket_systems()
    registered.setenv("MLC_TICKETING", "tracker")
    systems = ticket_systems()
    assert systems.names == ["tracker"]
    assert systems.review_tags == {"servicenow": "servicenow", "tracked": "tracker"}
    with pytest.raises(Refused, match=r"No ticket system 'jira' is set up \(there: tracker\)"):
        systems["jira"]


@pytest.mark.parametrize("name", ["Tracker", "traker", "jira "])
def test_a_worker_does_not_start_with_a_default_that_is_misspelt(registered: pytest.MonkeyPatch, name: str) -> None:
    registered.setenv("MLC_TICKETING", name)
    said = f"names no ticket system: '{name}': set it to one of: jira, servicenow, tracker"
    with pytest.raises(NotConfigured, match=re.escape(said)):
        ticket_systems()


def test_two_systems_with_one_review_tag_keep_a_worker_from_starting(registered: pytest.MonkeyPatch) -> None:
    registered.setenv("MLC_TICKETING", "tracker")
    registered.setenv("MLC_SERVICENOW_REVIEW_TAG", "tracked")
    with pytest.raises(NotConfigured, match="MLC_SERVICENOW_REVIEW_TAG and MLC_TRACKER_REVIEW_TAG are the same tag"):
        ticket_systems()


@pytest.mark.parametrize(
    ("tag", "variable"), [("jira", "MLC_REVIEW_TAG"), ("train", "MLC_TRAIN_TAG"), ("run_test\t", "MLC_RUN_TEST_TAG")]
)
def test_a_review_tag_that_asks_for_another_step_keeps_a_worker_from_starting(
    registered: pytest.MonkeyPatch, tag: str, variable: str
) -> None:
    registered.setenv("MLC_TICKETING", "tracker")
    registered.setenv("MLC_TRACKER_REVIEW_TAG", tag)
    with pytest.raises(NotConfigured, match=f"{variable} and MLC_TRACKER_REVIEW_TAG are the same tag"):
        ticket_systems()


def test_a_wrong_setting_of_it_is_named_by_its_variable(registered: pytest.MonkeyPatch) -> None:
    registered.setenv("MLC_TRACKER_TIMEOUT", "long")
    with pytest.raises(ValueError, match="number") as caught:
        TRACKER.settings()
    assert what_is_wrong(caught.value).startswith("MLC_TRACKER_TIMEOUT: ")  # type: ignore[arg-type]


@pytest.mark.parametrize("provider", ["", "Tracker", "a b", "a:b", "a/b", "a'b", "seen", "gov-1", "x" * 31, "é", "a\n"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(provider: str) -> None:
    parts = {name: getattr(TRACKER, name) for name in TRACKER.__dataclass_fields__}
    with pytest.raises(ValueError, match="can't be the name of a ticket system"):
        TicketSystem(**(parts | {"provider": provider}))


def test_every_system_of_the_registry_has_names_of_its_own() -> None:
    for of in (lambda s: s.provider, lambda s: s.name, lambda s: s.settings, lambda s: s.settings.variable("url")):
        names = [of(system) for system in (*registry.SYSTEMS, TRACKER)]
        assert len(set(names)) == len(names)


ROOMS = (
    "mlc/ticketing/jira/",
    "mlc/ticketing/servicenow/",
    "mlc/ticketing/registry.py",
    "mlc/standalone/",  # the desk plays both, the environment and the demo set it up
)
SAID: dict[str, tuple[set[str], str]] = {
    "mlc/settings/__init__.py": (
        {
            "jira",  # MLC_TICKETING's and MLC_REVIEW_TAG's default
        },
        "the frozen defaults",
    ),
    "mlc/settings/standalone.py": (
        {
            "Which Jira it behaves as",
            "Seconds until a search finds a new ticket, as on Jira Cloud",
            "Where changes are reported, such as .../webhooks/jira",
            "servicenow_webhook_url",
            "servicenow_webhook_secret",
            "The same for its ServiceNow tickets, such as .../webhooks/servicenow",
        },
        "the desk's settings, which plays both",
    ),
    "mlc/model/ticket.py": ({"jira"}, "the default of a payload's field, frozen"),
    "mlc/model/policy.py": ({"jira"}, "the same"),
    "mlc/governance/policy.py": (
        {
            "jira",
            "servicenow",
            "it has none of email, account, jira, servicenow: nobody can be taken for this person",
        },
        "a policy says how people are called in each system, by keys of its format",
    ),
    "mlc/model/breach.py": (
        {"jira", "servicenow", "None, Notify, Jira or Undeploy"},
        "what ModelOp's decision tables call the ticket system, whichever it is",
    ),
    "mlc/center/modelop/folder/starter/writing.py": ({"jira"}, "MLC_REVIEW_TAG's default, as a model folder has it"),
}
"""File, what it may say, and why."""
SIGNALS = re.compile(r"(?i)RUN_BACK_TEST_(JIRA|SERVICENOW)|Signals_Run_Back_Test_(Jira|ServiceNow)|jira|servicenow")
SIGNALS_IN = ("mlc/model/signal", "activities/schedule_plan.py", "workflows/registry.py", "mlc/gateway/handlers.py")
"""ModelOp's signals are named after the systems that their tickets go to."""
COMMANDS = "mlc/cli/__init__.py"
"""The commands that it shows carry the default of MLC_REVIEW_TAG."""


def test_nothing_outside_their_rooms_names_a_system() -> None:
    told = {}
    for path in (path for room in ("mlc", "activities", "workflows") for path in (ROOT / room).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(ROOMS):
            said = set(named(ast.parse(path.read_text())))
            allowed = SAID.get(name, (set(), ""))[0]
            assert allowed <= said, f"{name} says less than it may: take that out of SAID"
            said -= allowed
            if name.startswith(SIGNALS_IN):
                said = {text for text in said if not SIGNALS.fullmatch(text.rpartition(".")[2])}
            if name == COMMANDS:
                said = {text for text in said if not re.search(r"(--tag|run_test,) jira\b", text)}
            if said:
                told[name] = sorted(said)
    assert told == {}


@pytest.mark.parametrize(
    "code",
    [
        *("x = 'jira'", "f'{x} in Jira'", "a.jira", "f(jira=1)", "def f(servicenow): ...", "class MyJira: ..."),
        *("import mlc.ticketing.jira", "from a import JiraX", "from mlc.ticketing.servicenow import y"),
        "import x as jira",
    ],
)
def test_the_search_sees_every_way_of_naming_one(code: str) -> None:
    assert list(named(ast.parse(code)))
    assert not list(named(ast.parse(f'"""As in Jira."""\n# jira\nx = 1\n"""{code}"""'.replace("'", ""))))


def named(tree: ast.Module) -> Iterator[str]:
    """Identifiers and texts that name a system; documentation and comments may."""
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        texts = [getattr(node, part, None) for part in ("id", "attr", "arg", "name", "asname", "module", "value")]
        for text in texts:
            if isinstance(text, str) and id(node) not in documentation and re.search("(?i)jira|servicenow", text):
                yield text
