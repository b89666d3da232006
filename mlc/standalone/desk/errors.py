"""What the desk answers when it can't do as it is asked: as Jira does or, below ``/api/now``, as ServiceNow does."""

import logging

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from mlc.standalone.database.problems import is_away, why
from mlc.standalone.desk.parts import Unauthorized
from mlc.standalone.desk.records import Forbidden, NoTable
from mlc.standalone.desk.tickets import Invalid, NoSuchTicket

SERVICENOW = "/api/now/"
_log = logging.getLogger(__name__)


def answer_errors(app: FastAPI) -> None:
    """Give the app its error answers."""

    @app.exception_handler(NoSuchTicket)
    def missing(request: Request, __: NoSuchTicket) -> JSONResponse:
        if _of_servicenow(request):
            return _failure(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return _errors(404, ["Issue does not exist or you do not have permission to see it."])

    @app.exception_handler(Invalid)
    def invalid(request: Request, error: Invalid) -> JSONResponse:
        return _failure(400, str(error)) if _of_servicenow(request) else _errors(400, error.messages, error.errors)

    @app.exception_handler(NoTable)
    def no_table(_: Request, error: NoTable) -> JSONResponse:
        return _failure(400, f"Invalid table {error}")

    @app.exception_handler(Forbidden)
    def forbidden(_: Request, error: Forbidden) -> JSONResponse:
        return _failure(403, "Operation Failed", str(error))

    @app.exception_handler(Unauthorized)
    def unauthorized(request: Request, __: Unauthorized) -> JSONResponse:
        refusal = _errors(401, ["You are not authenticated. Authentication required to perform this operation."])
        if _of_servicenow(request):
            refusal = _failure(401, "User Not Authenticated", "Required to provide Auth information")
            refusal.headers["X-Is-Logged-In"] = "false"
        else:
            refusal.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        refusal.headers["WWW-Authenticate"] = 'Basic realm="Tickets"'
        return refusal

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> JSONResponse:
        said = str(error.detail)
        return _failure(error.status_code, said) if _of_servicenow(request) else _errors(error.status_code, [said])

    @app.exception_handler(SQLAlchemyError)
    def no_database(request: Request, error: SQLAlchemyError) -> JSONResponse:
        _log.warning("%s %s: the database: %s.", request.method, request.url.path, why(error))
        status, said = (503, f"The database: {why(error)}.") if is_away(error) else (500, "The database can't do this.")
        return _failure(status, said) if _of_servicenow(request) else _errors(status, [said])

    @app.exception_handler(UnicodeEncodeError)
    def half_a_character(request: Request, __: UnicodeEncodeError) -> JSONResponse:
        said = "The request holds text that is not valid Unicode."
        return _failure(400, said) if _of_servicenow(request) else _errors(400, [said])

    @app.exception_handler(RequestValidationError)
    def unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        places = ", ".join(".".join(str(part) for part in problem["loc"]) for problem in error.errors())
        return _errors(400, [f"The request could not be read: {places}"])

    @app.exception_handler(ValidationError)
    def misread(_: Request, error: ValidationError) -> JSONResponse:
        places = ", ".join(".".join(str(part) for part in problem["loc"]) for problem in error.errors())
        return _failure(400, f"Invalid parameter: {places}")


def _of_servicenow(request: Request) -> bool:
    return request.url.path.startswith(SERVICENOW)


def _errors(status: int, messages: list[str], errors: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"errorMessages": messages, "errors": errors or {}}, status)


def _failure(status: int, message: str, detail: str | None = None) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "detail": detail}, "status": "failure"}, status)
