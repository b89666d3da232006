"""Who may use the board, and that a form was really sent from it."""

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from fastapi import Request, Response

from mlc.model.failure import MlcError
from mlc.standalone.access.accounts.account import Account, AccountRole
from mlc.standalone.access.sessions import COOKIE
from mlc.standalone.desk.parts import author, parts

FORM_COOKIE = "desk_form"


class StaleForm(MlcError):
    """A form of a ticket that has changed since it was shown."""


class ForgedForm(MlcError):
    """A form that this board did not make for this browser."""


class NotSignedIn(MlcError):
    """The board is for accounts, and nobody has signed in."""


class NoApprover(MlcError):
    """The account may not answer tickets, or not read them. The text says what it lacks."""


def person(request: Request) -> None:
    """Let in who has signed in, as far as they may. Where nobody has to: people on this machine, and others with the
    API's user and token (a browser asks for them).

    The name in the address counts too: another site's name that leads here (DNS rebinding) is not this machine.

    Raises:
        NotSignedIn, NoApprover: as they say; the API's token is no person's.
        Unauthorized: neither.
    """
    sessions = parts(request).sessions
    if sessions is not None:
        account = sessions.account_of(request.cookies.get(COOKIE, ""))
        if account is None:
            raise NotSignedIn
        needed = AccountRole.READER if request.method == "GET" else AccountRole.APPROVER
        if not account.may(needed):
            raise NoApprover(f"The account {account.name} is no {needed}, which is needed for this: ask an operator.")
        request.state.account = account
        return
    if parts(request).settings.token is None:
        return
    if not (_is_loopback(request.client.host if request.client else "") and _is_loopback(_asked_host(request))):
        author(request)


def account_of(request: Request) -> Account | None:
    """Who has signed in; None: nobody has to."""
    account: Account | None = getattr(request.state, "account", None)
    return account


def form_key(request: Request) -> str:
    """The secret that this browser's forms carry, in a cookie that other sites can neither read nor make it send."""
    return request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)


def keep_form_key(answer: Response, secret: str) -> None:
    answer.set_cookie(FORM_COOKIE, secret, httponly=True, samesite="strict")


def check_form(request: Request, given: str) -> None:
    """Make sure that a form came from a page of this board.

    Raises:
        ForgedForm: it did not, or the browser keeps no cookies.
    """
    kept = request.cookies.get(FORM_COOKIE, "")
    if not kept or not hmac.compare_digest(kept.encode(), given.encode()):
        raise ForgedForm


def _asked_host(request: Request) -> str:
    return urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
