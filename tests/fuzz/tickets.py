"""Whatever Jira and ServiceNow answer, their adapters raise the port's errors and nothing else.

Each example is one call to one adapter, whose requests a site on a free port answers by the example's recipes.
"""

import base64
import json
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlc.model.failure import ExternalError, Refused, Unavailable
from mlc.model.ticket import TicketKind, TicketRef
from mlc.ticketing import Attachment, Section, Ticketing, TicketRequest
from mlc.ticketing.jira.adapter import JiraTicketing
from mlc.ticketing.jira.check import findings as jira_findings
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.adapter import ServiceNowTicketing
from mlc.ticketing.servicenow.check import findings as servicenow_findings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

from .answering import Answer, Site, answering
from .ticket_answers import JIRA, LABEL, SERVICENOW, SYS_ID, TOKEN, Recipe, recipes

BASIC = base64.b64encode(f"bot:{TOKEN}".encode()).decode()
MOST_REQUESTS = 260
"""Of one call: a hundred pages, each with something looked up, and what goes before."""
LONGEST_SENTENCE = 900
NOT_FINAL = {404, 408, 409, 410, 425, 429}
QUESTION = TicketRequest(label=LABEL, kind="review", summary="May it?", body=[Section(paragraphs=["May it?"])])
FILE = Attachment(name="a.json", content=b"{}")


class System(NamedTuple):
    """How to get at a system that answers at an address."""

    routes: list[tuple[str, Any]]
    adapter: Callable[[str], Ticketing]
    findings: Callable[[str], Any]
    ref: TicketRef


@cache
def _jira(url: str, deployment: str = "cloud") -> JiraSettings:
    return JiraSettings.model_validate(
        {"url": url, "user": "bot", "token": TOKEN, "deployment": deployment, "timeout": 5}
    )


@cache
def _servicenow(url: str, **account: str) -> ServiceNowSettings:
    account = account or {"user": "bot", "password": TOKEN}
    return ServiceNowSettings.model_validate({"url": url, "timeout": 5} | account)


def _ref(provider: str, ticket_id: str, key: str) -> TicketRef:
    return TicketRef(provider=provider, id=ticket_id, key=key, url="", label=LABEL)


SNOW_REF = _ref("servicenow", f"change_request:{SYS_ID}", "CHG0030001")
OAUTH = {"client_id": "bot", "client_secret": TOKEN}
SYSTEMS: dict[str, System] = {
    "jira cloud": System(
        JIRA,
        lambda url: JiraTicketing(_jira(url)),
        lambda url: list(jira_findings(_jira(url))),
        _ref("jira", "10001", "MLR-7"),
    ),
    "jira server": System(
        JIRA,
        lambda url: JiraTicketing(_jira(url, "server")),
        lambda url: list(jira_findings(_jira(url, "server"))),
        _ref("jira", "10001", "MLR-7"),
    ),
    "servicenow": System(
        SERVICENOW,
        lambda url: ServiceNowTicketing(_servicenow(url)),
        lambda url: list(servicenow_findings(_servicenow(url))),
        SNOW_REF,
    ),
    "servicenow by number, with OAuth": System(
        SERVICENOW,
        lambda url: ServiceNowTicketing(_servicenow(url, **OAUTH)),
        lambda url: list(servicenow_findings(_servicenow(url, **OAUTH))),
        SNOW_REF.model_copy(update={"id": "CHG0030001"}),
    ),
}
CALLS: dict[str, Callable[[System, str], Any]] = {
    "wording": lambda system, url: system.adapter(url).wording(TicketKind.REVIEW),
    "find": lambda system, url: system.adapter(url).find(LABEL),
    "create": lambda system, url: system.adapter(url).create(QUESTION),
    "get": lambda system, url: system.adapter(url).get(system.ref),
    "get_many": lambda system, url: system.adapter(url).get_many([system.ref]),
    "changed": lambda system, url: system.adapter(url).changed(60, 500),
    "properties": lambda system, url: system.adapter(url).properties(system.ref),
    "comment": lambda system, url: system.adapter(url).comment(system.ref, "event-1", "said"),
    "attach": lambda system, url: system.adapter(url).attach(system.ref, FILE),
    "link": lambda system, url: system.adapter(url).link(system.ref, "run", "http://127.0.0.1/run", "The run"),
    "close": lambda system, url: system.adapter(url).close(system.ref, "event-2", "withdrawn"),
    "findings": lambda system, url: system.findings(url),
}


class BrokenPromiseError(Exception):
    """An adapter answered, but not as the port promises."""


def tried(site: Site, name: str, call: str, plan: list[Recipe]) -> str:
    """Make one call, and raise if it breaks a promise. What came of it, in a word."""
    system = SYSTEMS[name]
    site.requests.clear()
    given_answers: list[tuple[str, Answer]] = []

    def answer(method: str, path: str) -> Answer:
        recipe = plan[min(len(given_answers), len(plan) - 1)]
        if len(given_answers) >= MOST_REQUESTS:
            return Answer(500)
        given_answers.append((f"{method} {path}", recipe.answer(system.routes, method, path)))
        return given_answers[-1][1]

    site.answer = answer
    try:
        outcome = CALLS[call](system, site.url)
    except ExternalError as error:
        if type(error).__module__ != "mlc.model.failure" or not isinstance(error, Unavailable | Refused):
            raise BrokenPromiseError(f"{type(error)} is none of the port's errors") from error
        told(error)
        if call == "create":
            certain(error, given_answers)
        word = type(error).__name__
    else:
        kept(outcome)
        word = "done"
    if len(site.requests) >= MOST_REQUESTS:
        raise BrokenPromiseError(f"{len(site.requests)} requests")
    creations = [line for line in site.requests if line.startswith("POST") and "oauth" not in line]
    if call == "create" and len(creations) > 1:
        raise BrokenPromiseError(f"several POSTs: {creations}")
    return word


def told(error: ExternalError) -> None:
    """The error's text can be shown: a sentence, without secrets, that any encoding carries."""
    text = str(error)
    text.encode()
    if len(text) > LONGEST_SENTENCE or not text.isprintable() or not text.strip():
        raise BrokenPromiseError(f"not to be shown: {text!r:.200}")
    if TOKEN in f"{text} {error.args!r}" or BASIC in text:
        raise BrokenPromiseError("a secret")
    if error.__cause__ is not None or not isinstance(error.__context__, ExternalError | None):
        raise BrokenPromiseError(f"the error still holds {error.__context__!r:.200}")


def certain(error: ExternalError, given_answers: list[tuple[str, Answer]]) -> None:
    """Whether a ticket may be there is told rightly."""
    posts = [answer for asked, answer in given_answers if asked.startswith("POST") and "oauth" not in asked]
    if not posts or posts[0].raw is not None:
        return
    status = posts[0].status
    if 300 <= status < 500 and status not in NOT_FINAL and not isinstance(error, Refused):
        raise BrokenPromiseError(f"{status} is final, and became {error!r}")
    if 200 <= status < 300 and isinstance(error, Unavailable) and not error.maybe_done:
        raise BrokenPromiseError(f"after {status} there may be a ticket")
    if isinstance(error, Unavailable) and error.maybe_done and 300 <= status < 500 and status != 408:
        raise BrokenPromiseError(f"{status} says that nothing was done")


def kept(outcome: Any) -> None:
    """A result can be kept in a history, and references lead somewhere."""
    TypeAdapter(Any).dump_json(outcome)
    for each in outcome if isinstance(outcome, list) else [outcome]:
        if isinstance(each, TicketRef) and not (each.id and each.key):
            raise BrokenPromiseError(f"a reference to nothing: {each!r}")


plans = st.lists(recipes, min_size=1, max_size=5)
examples = st.tuples(st.sampled_from(sorted(SYSTEMS)), st.sampled_from(sorted(CALLS)), plans)


def run(seconds: float) -> str:
    """Try every call with plan after plan, for so long; a plan that breaks a promise is made small, and raised."""
    came: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with answering() as site:

        @settings(
            max_examples=50,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(st.sampled_from(sorted(SYSTEMS)), plans)
        def one(system: str, plan: list[Recipe]) -> None:
            for call in CALLS:
                came[tried(site, system, call, plan)] += 1

        while time.monotonic() < end:
            one()
    return f"{came.total()} calls in {seconds:.0f} seconds, none broke a promise: {json.dumps(came)}"
