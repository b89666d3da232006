"""The desk as a web application: APIs that clients of Jira and ServiceNow can use, and a board for people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI
from pydantic import SecretStr

from mlc.settings import AccountSettings, DeskSettings
from mlc.standalone import faults as faults_module
from mlc.standalone.access.sessions import Sessions
from mlc.standalone.database import DESK, open_database
from mlc.standalone.desk import jira_issues, jira_site, servicenow_api
from mlc.standalone.desk.board.pages import add_board
from mlc.standalone.desk.errors import answer_errors
from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.outbox import RETRY_DELAYS, Outbox, Target
from mlc.standalone.desk.parts import Parts
from mlc.standalone.desk.records import Records
from mlc.standalone.desk.scheme import Scheme
from mlc.standalone.desk.tickets import Tickets


def create_app(
    settings: DeskSettings,
    *,
    scheme: Scheme | None = None,
    faults: faults_module.Faults | None = None,
    retry_delays: Sequence[float] = RETRY_DELAYS,
    accounts: AccountSettings | None = None,
) -> FastAPI:
    """Make the desk. Tests reach what is behind it as ``app.state.desk`` (:class:`~.parts.Parts`).

    Args:
        scheme: another workflow than To Do, In Review, Done, Rejected, Withdrawn.
        faults: lets requests fail on purpose, and opens ``/__faults``: for tests only.
        retry_delays: seconds before each further attempt to deliver a webhook.
        accounts: who may sign in, where the settings ask for that; None: as the environment says.

    Raises:
        ValueError: people are to sign in, and the API is open to anybody.
        BadAccounts: people are to sign in, and the file of accounts can't be used.
    """
    if settings.sign_in and settings.token is None:
        raise ValueError("MLC_DESK_SIGN_IN needs MLC_DESK_TOKEN: without it anybody may answer tickets by the API.")
    sessions = Sessions(accounts or AccountSettings()) if settings.sign_in else None
    base = settings.url or f"http://{settings.host}:{settings.port}"
    cloud, expiration = settings.deployment == "cloud", settings.expiration_field
    json = JiraJson(base, settings.project, scheme or Scheme(), cloud=cloud, expiration=expiration)
    engine = open_database(settings.database, DESK)
    targets = {
        "jira": _target(settings.webhook_url, settings.webhook_secret),
        "servicenow": _target(settings.servicenow_webhook_url, settings.servicenow_webhook_secret),
    }
    outbox = Outbox(engine, targets, retry_delays)
    tickets = Tickets(engine, json, outbox, expiration=expiration)
    records = Records(engine, outbox, expiration=expiration)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sender = asyncio.create_task(outbox.run())
        yield
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        engine.dispose()

    app = FastAPI(title="Ticket desk", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Parts(settings, tickets, json, records, outbox, settings.index_lag, sessions)
    for router in (jira_site.open_router, jira_site.router, jira_issues.router):
        app.include_router(router, prefix="/rest/api/2")
    app.include_router(servicenow_api.open_router)
    app.include_router(servicenow_api.router)
    add_board(app, app.state.desk)
    if faults is not None:
        app.state.faults = faults
        app.include_router(faults_module.router)
        app.add_middleware(faults_module.FaultMiddleware, faults=faults, api=("/rest/", "/api/now/", "/oauth_token.do"))
    answer_errors(app)
    return app


def _target(url: str | None, secret: SecretStr | None) -> Target:
    return Target(url, secret.get_secret_value() if secret else None)
