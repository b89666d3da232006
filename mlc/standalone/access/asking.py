"""Finds out who asks, by the bearer token that came with a request."""

import asyncio
import hmac
import ipaddress
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from pydantic import SecretStr

from mlc.standalone.access.accounts.account import TOKEN_PREFIX
from mlc.standalone.access.accounts.reading import Accounts
from mlc.standalone.access.principal import OPERATOR, Principal, Role
from mlc.standalone.access.tokens import RuntimeTokens

_ASKED_FOR = "Send the header Authorization: Bearer with the centre's token, a runtime's own, or one of an account's."
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Asking:
    """Knows the operator's token, those of runtimes and of accounts. A token counts in the header Authorization only.

    Args:
        operators: the centre's own token.
        tokens: of runtimes.
        accounts: None: there are none.
    """

    def __init__(self, operators: SecretStr, tokens: RuntimeTokens, accounts: Accounts | None = None) -> None:
        self._operators = operators.get_secret_value().encode()
        self._tokens = tokens
        self._accounts = accounts

    async def principal(self, request: Request) -> Principal:
        """Who asks.

        Raises:
            HTTPException: 401: there is no token, it is nobody's, or there are several.
        """
        sent = request.headers.getlist("Authorization")
        scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            raise HTTPException(401, _ASKED_FOR, _CHALLENGE)
        if hmac.compare_digest(token.encode("latin-1", "replace"), self._operators):
            return OPERATOR
        if self._accounts is not None and token.startswith(TOKEN_PREFIX):
            return await self._of_account(self._accounts, token)
        runtime = await asyncio.to_thread(self._tokens.runtime_of, token)
        if runtime is None:
            problem = "The token is nobody's here, or was revoked or replaced: issue one with `mlc token issue`."
            raise HTTPException(401, problem, _CHALLENGE)
        return Principal(Role.RUNTIME, runtime)

    async def _of_account(self, accounts: Accounts, token: str) -> Principal:
        account = await asyncio.to_thread(accounts.of_token, token)
        if account is None:
            problem = "The token is no account's, or was revoked, or its account is disabled: ask an operator."
            raise HTTPException(401, problem, _CHALLENGE)
        return Principal.of(account)


def is_here(request: Request) -> bool:
    """Whether it comes from the centre's own machine.

    The Host header counts, too: another site's name may be made to lead here by its owner (DNS rebinding).
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return _is_loopback(request.client.host if request.client else None) and _is_loopback(host)


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
