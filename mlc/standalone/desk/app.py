"""The desk as a web application: an API that Jira's clients can use, and a board for people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from mlc.settings import DeskSettings
from mlc.standalone import faults as faults_module
from mlc.standalone.desk import jira_issues, jira_site
from mlc.standalone.desk.board.pages import add_board
from mlc.standalone.desk.jira_json import JiraJson
from mlc.standalone.desk.outbox import RETRY_DELAYS, Outbox
from mlc.standalone.desk.parts import Parts, Unauthorized
from mlc.standalone.desk.scheme import Scheme
from mlc.standalone.desk.tables import open_database
from mlc.standalone.desk.tickets import Invalid, Missing, Tickets


def create_app(
    settings: DeskSettings,
    *,
    scheme: Scheme | None = None,
    faults: faults_module.Faults | None = None,
    retry_delays: Sequence[float] = RETRY_DELAYS,
) -> FastAPI:
    """Make the desk. Tests reach what is behind it as ``app.state.desk`` (:class:`~.parts.Parts`).

    Args:
        scheme: another workflow than To Do, In Review, Done, Rejected, Withdrawn.
        faults: lets requests fail on purpose, and opens ``/__faults``: for tests only.
        retry_delays: seconds before each further attempt to deliver a webhook.
    """
    base = settings.url or f"http://{settings.host}:{settings.port}"
    cloud, expiration = settings.deployment == "cloud", settings.expiration_field
    json = JiraJson(base, settings.project, scheme or Scheme(), cloud=cloud, expiration=expiration)
    engine = open_database(settings.database)
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
    outbox = Outbox(engine, settings.webhook_url, secret, retry_delays)
    tickets = Tickets(engine, json, outbox, expiration=expiration)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sender = asyncio.create_task(outbox.run())
        yield
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        engine.dispose()

    app = FastAPI(title="Ticket desk", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Parts(settings, tickets, json, outbox, settings.index_lag)
    for router in (jira_site.open_router, jira_site.router, jira_issues.router):
        app.include_router(router, prefix="/rest/api/2")
    add_board(app, app.state.desk)
    if faults is not None:
        app.state.faults = faults
        app.include_router(faults_module.router)
        app.add_middleware(faults_module.FaultMiddleware, faults=faults)
    _answer_errors_as_jira_does(app)
    return app


def _answer_errors_as_jira_does(app: FastAPI) -> None:
    def answer(status: int, messages: list[str], errors: dict[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"errorMessages": messages, "errors": errors or {}}, status)

    @app.exception_handler(Missing)
    def missing(_: Request, __: Missing) -> JSONResponse:
        return answer(404, ["Issue does not exist or you do not have permission to see it."])

    @app.exception_handler(Invalid)
    def invalid(_: Request, error: Invalid) -> JSONResponse:
        return answer(400, error.messages, error.errors)

    @app.exception_handler(Unauthorized)
    def unauthorized(_: Request, __: Unauthorized) -> JSONResponse:
        refusal = answer(401, ["You are not authenticated. Authentication required to perform this operation."])
        refusal.headers["WWW-Authenticate"] = 'Basic realm="Tickets"'
        return refusal

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, [str(error.detail)])

    @app.exception_handler(UnicodeEncodeError)
    def half_a_character(_: Request, __: UnicodeEncodeError) -> JSONResponse:
        return answer(400, ["The request holds text that is not valid Unicode."])

    @app.exception_handler(RequestValidationError)
    def unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        places = ", ".join(".".join(str(part) for part in problem["loc"]) for problem in error.errors())
        return answer(400, [f"The request could not be read: {places}"])
