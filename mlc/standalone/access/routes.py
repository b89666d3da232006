"""Who may use which route of the centre. A route of which nothing stands here is nobody's."""

from collections.abc import Mapping
from enum import StrEnum

from fastapi import HTTPException, Request

from mlc.model.failure import MlcError
from mlc.standalone.access.accounts.account import AccountRole
from mlc.standalone.access.asking import Asking, is_here
from mlc.standalone.access.names import TOKENS
from mlc.standalone.access.principal import HERE, Principal
from mlc.standalone.center.files.leavings import UNUSED

_MODEL_MANAGE = "/model-manage/api"


class NotAllowed(MlcError):
    """Who asks may not do this. The text is a sentence that says what, and who may."""


class May(StrEnum):
    """Who may use a route."""

    ANYBODY = "anybody"
    PAGE = "page"
    """Readers, and whoever sits at the centre's own machine and sends no token."""
    READER = "reader"
    READER_OR_RUNTIME = "reader or runtime"
    """Here and below, a runtime as far as its own entries go."""
    SUBMITTER_OR_RUNTIME = "submitter or runtime"
    """A submitter as far as :class:`~mlc.standalone.center.accounts.AccountsCenter` lets it."""
    OPERATOR = "operator"
    OPERATOR_OR_RUNTIME = "operator or runtime"


ROUTES: Mapping[tuple[str, str], May] = {
    ("GET", _MODEL_MANAGE): May.READER_OR_RUNTIME,
    ("GET", f"{_MODEL_MANAGE}/"): May.READER_OR_RUNTIME,
    ("GET", f"{_MODEL_MANAGE}/{{entity}}"): May.READER_OR_RUNTIME,
    ("POST", f"{_MODEL_MANAGE}/{{entity}}"): May.SUBMITTER_OR_RUNTIME,
    ("GET", f"{_MODEL_MANAGE}/{{entity}}/search"): May.READER,
    ("GET", f"{_MODEL_MANAGE}/{{entity}}/search/{{finder}}"): May.READER_OR_RUNTIME,
    ("GET", f"{_MODEL_MANAGE}/{{entity}}/{{entity_id}}"): May.READER_OR_RUNTIME,
    ("PATCH", f"{_MODEL_MANAGE}/{{entity}}/{{entity_id}}"): May.SUBMITTER_OR_RUNTIME,
    ("DELETE", f"{_MODEL_MANAGE}/{{entity}}/{{entity_id}}"): May.OPERATOR,
    ("HEAD", f"{_MODEL_MANAGE}/contents/{{sha256}}"): May.READER_OR_RUNTIME,
    ("GET", f"{_MODEL_MANAGE}/contents/{{sha256}}"): May.READER_OR_RUNTIME,
    ("PATCH", f"{_MODEL_MANAGE}/contents/{{sha256}}"): May.SUBMITTER_OR_RUNTIME,
    ("POST", f"{_MODEL_MANAGE}/online-requests"): May.OPERATOR_OR_RUNTIME,
    ("DELETE", f"{_MODEL_MANAGE}/online-requests"): May.OPERATOR,
    ("POST", f"{_MODEL_MANAGE}/online-requests/exports"): May.OPERATOR,
    ("POST", f"{_MODEL_MANAGE}/truth/{{model_id}}"): May.OPERATOR,
    ("DELETE", f"{_MODEL_MANAGE}/truth/{{model_id}}"): May.OPERATOR,
    ("POST", f"{_MODEL_MANAGE}/truth/{{model_id}}/file"): May.OPERATOR,
    ("GET", f"{_MODEL_MANAGE}/policies"): May.READER,
    ("POST", f"{_MODEL_MANAGE}/policies"): May.OPERATOR,
    ("GET", f"{_MODEL_MANAGE}/policies/{{sha256}}"): May.READER,
    ("GET", TOKENS): May.OPERATOR,
    ("POST", f"{TOKENS}/{{name}}"): May.OPERATOR,
    ("DELETE", f"{TOKENS}/{{name}}"): May.OPERATOR,
    ("GET", UNUSED): May.OPERATOR,
    ("DELETE", UNUSED): May.OPERATOR,
    ("GET", "/"): May.PAGE,
    ("GET", "/style.css"): May.PAGE,
    ("GET", "/models/{model_id}"): May.PAGE,
    ("GET", "/snapshots/{snapshot_id}"): May.PAGE,
    ("GET", "/jobs/{job_id}"): May.PAGE,
    ("GET", "/results/{result_id}"): May.PAGE,
    ("GET", "/results/{result_id}/page"): May.PAGE,
    ("GET", "/files/{plural}/{entity_id}/{sha256}"): May.PAGE,
    # What FastAPI says of the API: it holds nothing of the centre's.
    ("GET", "/openapi.json"): May.ANYBODY,
    ("GET", "/docs"): May.ANYBODY,
    ("GET", "/docs/oauth2-redirect"): May.ANYBODY,
}


_RUNTIMES = frozenset({May.READER_OR_RUNTIME, May.SUBMITTER_OR_RUNTIME, May.OPERATOR_OR_RUNTIME})
_LEAST: Mapping[May, AccountRole] = {
    May.PAGE: AccountRole.READER,
    May.READER: AccountRole.READER,
    May.READER_OR_RUNTIME: AccountRole.READER,
    May.SUBMITTER_OR_RUNTIME: AccountRole.SUBMITTER,
    May.OPERATOR: AccountRole.OPERATOR,
    May.OPERATOR_OR_RUNTIME: AccountRole.OPERATOR,
}
"""The role that an account needs."""


class Gate:
    """Lets a request through to its route, or not. Every route of the application has it as a dependency."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def __call__(self, request: Request) -> None:
        """Find out who asks, for :func:`principal_of`.

        Raises:
            HTTPException: 401: it is not known who asks.
            NotAllowed: whoever it is may not use this route.
        """
        may = ROUTES.get((request.method, request.scope["route"].path))
        if may is None:
            raise NotAllowed("Nobody has said who may use this address, so nobody may.")
        if may is not May.ANYBODY:
            request.state.principal = await self._admitted(request, may)

    async def _admitted(self, request: Request, may: May) -> Principal:
        if may is May.PAGE and "Authorization" not in request.headers:
            if is_here(request):
                return HERE
            raise HTTPException(401, "These pages are read on the centre's own machine, or with its bearer token.")
        principal = await self._asking.principal(request)
        what = f"{request.method} {request.url.path[:100]}"
        if principal.is_runtime:
            if may not in _RUNTIMES:
                raise NotAllowed(f"A runtime's token is not for this: {what}.")
        elif not principal.may(_LEAST[may]):
            raise NotAllowed(f"The account {principal.name} is no {_LEAST[may]}, which is needed for this: {what}.")
        return principal


def principal_of(request: Request) -> Principal:
    """Who asks, of a request that came through the gate."""
    principal: Principal = request.state.principal
    return principal
