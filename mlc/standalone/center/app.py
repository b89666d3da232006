"""The centre as an ASGI application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from mlc.governance import PolicyError
from mlc.model import retry_after
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.access import api as access
from mlc.standalone.access.accounts.reading import Accounts
from mlc.standalone.access.asking import Asking
from mlc.standalone.access.routes import Gate, NotAllowed
from mlc.standalone.access.tokens import RuntimeTokens
from mlc.standalone.center.api import contents, online_requests, policies, router, truth
from mlc.standalone.center.contents import BadContent
from mlc.standalone.center.dispatch import Connect, Dispatcher
from mlc.standalone.center.files import unused
from mlc.standalone.center.files.errors import CannotKeep, NoRoom, NotEmbedded, TooLong, UnknownFile, WrongHash
from mlc.standalone.center.monitors import seed
from mlc.standalone.center.pages import pages
from mlc.standalone.center.pages.reports import reports
from mlc.standalone.center.rows import NoSuchEntity
from mlc.standalone.center.rules import BadRequest
from mlc.standalone.center.service import ModelCenter
from mlc.standalone.center.signals import Signals
from mlc.standalone.center.store import Conflict, Outdated, Store
from mlc.standalone.database.problems import is_away, why
from mlc.temporal import connect_for_jobs

_log = logging.getLogger(__name__)
_STATUS: dict[type[Exception], int] = {
    NoSuchEntity: 404,
    Conflict: 409,
    Outdated: 412,
    BadRequest: 400,
    BadContent: 400,
    NotAllowed: 403,
    NotEmbedded: 406,
    TooLong: 413,
    PolicyError: 422,
    UnknownFile: 422,
    WrongHash: 422,
    CannotKeep: 503,
    NoRoom: 507,
}
_EMBEDDED = 4
_TIDIED_EVERY = 3600
"""Seconds between looks at what has not come whole."""


def create_app(
    settings: StandaloneCenterSettings, *, connect: Connect = connect_for_jobs, accounts: Path | None = None
) -> FastAPI:
    """The application; while it runs it hands jobs to runtimes by the Temporal client that ``connect`` makes.

    Args:
        settings: its own.
        connect: connects to Temporal.
        accounts: the file of accounts; None: no account is known.

    Raises:
        ValueError: no token is set.
        BadAccounts: the file of accounts can't be used.
        DatabaseProblem: the database can't be used.
    """
    if settings.token is None:
        raise ValueError("MLC_STANDALONE_CENTER_TOKEN is not set; give the model centre a token to ask for.")
    known = None if accounts is None else Accounts(accounts)
    # A job embeds a snapshot, and its inputs once more: so many times what one request may bring.
    store = Store(settings.database, settings.files or "", embedded=_EMBEDDED * settings.max_body)
    center = ModelCenter(store)
    tokens = RuntimeTokens(store.engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        dispatcher = Dispatcher(center, settings.engine_timeout, connect)
        center.listen(dispatcher.changed)
        signals = Signals(settings)
        if settings.signal_url:
            center.listen(signals.changed)
        await asyncio.to_thread(seed, store)
        running = [asyncio.create_task(dispatcher.run()), asyncio.create_task(_tidy(store, settings))]
        yield
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await signals.aclose()
        store.close()

    app = FastAPI(
        title="Model centre",
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        dependencies=[Depends(Gate(Asking(settings.token, tokens, known)))],
    )
    app.include_router(contents(center, settings.file_limit_mb * 1_000_000))
    app.include_router(online_requests(center, settings.max_body))
    app.include_router(truth(center, settings.max_body))
    app.include_router(policies(center))
    app.include_router(router(center, settings.max_body))
    app.include_router(access.router(tokens))
    app.include_router(unused.router(store.files))
    app.include_router(pages(center))
    app.include_router(reports(center))
    _answer_errors(app)
    return app


async def _tidy(store: Store, settings: StandaloneCenterSettings) -> None:
    """Remove again and again what senders have left unfinished, and online requests that are too old."""
    while True:
        try:
            await asyncio.to_thread(store.files.expire)
        except OSError:
            _log.warning("What was sent of files and never finished could not be removed.", exc_info=True)
        try:
            await asyncio.to_thread(store.requests.expire, timedelta(days=settings.request_days))
        except (SQLAlchemyError, OSError, CannotKeep) as error:
            said = why(error) if isinstance(error, SQLAlchemyError) else error
            _log.warning("Old online requests could not be removed, and will be in an hour: %s.", said)
        await asyncio.sleep(_TIDIED_EVERY)


def _answer_errors(app: FastAPI) -> None:
    """Every error is a JSON object with one sentence."""

    async def by_type(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"message": str(error)}, status_code=_STATUS[type(error)])

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return JSONResponse({"message": error.detail}, status_code=error.status_code, headers=error.headers)

    async def validation(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        return JSONResponse({"message": f"{first['loc'][-1]}: {first['msg']}."}, status_code=400)

    async def database(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SQLAlchemyError)
        _log.warning("%s %s: the database: %s.", request.method, request.url.path, why(error))
        if is_away(error):
            headers = retry_after.encode(timedelta(seconds=1))
            return JSONResponse({"message": f"The database: {why(error)}. Try again."}, 503, headers)
        return JSONResponse({"message": "The database can't do this; the centre's log says why."}, 500)

    for kind in _STATUS:
        app.add_exception_handler(kind, by_type)
    app.add_exception_handler(SQLAlchemyError, database)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
