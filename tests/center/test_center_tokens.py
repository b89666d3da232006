"""Tokens by OAuth2 client credentials, from a real endpoint."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
from center_harness import served
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from mlc.center.modelop.client import ModelManage
from mlc.center.modelop.settings import CenterSettings
from mlc.model.failure import Refused, Unavailable

SECRET = "client:secret/of tests"


class Idp:
    """A token endpoint and a centre that believes it. Tokens are numbered."""

    def __init__(self) -> None:
        self.issued = 0
        self.accepted: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.requests = 0
        self.lifetime: float | None = 3600
        self.answer: JSONResponse | None = None
        self.address = ""
        self.app = FastAPI()
        self.app.post("/token")(self.token)
        self.app.get("/api/engines")(self.engines)

    async def token(self, request: Request) -> Any:
        self.asked.append({**request.headers, "form": (await request.body()).decode()})
        if self.answer:
            return self.answer
        self.issued += 1
        token = f"token-number-{self.issued}"
        self.accepted.add(f"Bearer {token}")
        return {"access_token": token} | ({"expires_in": self.lifetime} if self.lifetime is not None else {})

    async def engines(self, request: Request) -> Any:
        self.requests += 1
        if request.headers.get("Authorization") not in self.accepted:
            return JSONResponse({"message": f"who is {request.headers.get('Authorization')}"}, status_code=401)
        return {"_embedded": {"engines": [{"id": "e", "name": "r"}]}}

    def client(self) -> ModelManage:
        return ModelManage(
            CenterSettings(
                url=f"{self.address}/api",
                token_url=f"{self.address}/token",
                client_id="mlc",
                client_secret=SecretStr(SECRET),
                token_scope="models",
            )
        )


@pytest.fixture
def idp() -> Iterator[Idp]:
    provider = Idp()
    with served(provider.app) as address:
        provider.address = address
        yield provider


async def test_the_token_is_asked_for_once_with_the_clients_credentials(idp: Idp) -> None:
    client = idp.client()
    await asyncio.gather(*(client.list_engines() for _ in range(5)))
    await client.aclose()
    (asked,) = idp.asked
    assert asked["form"] == "grant_type=client_credentials&scope=models"
    assert base64.b64decode(asked["authorization"].removeprefix("Basic ")) == b"mlc:client%3Asecret%2Fof%20tests"


async def test_a_token_is_renewed_before_it_expires(idp: Idp) -> None:
    idp.lifetime = 0.2
    client = idp.client()
    await client.list_engines()
    idp.accepted.clear()  # what the centre does when it expires
    await asyncio.sleep(0.11)  # half of its life
    await client.list_engines()
    await client.aclose()
    assert (idp.issued, idp.requests) == (2, 2), "renewed in time: the centre never saw the old one again"


async def test_a_token_that_was_revoked_is_renewed_after_one_401(idp: Idp) -> None:
    client = idp.client()
    await client.list_engines()
    idp.accepted.clear()
    assert [engine.name for engine in await client.list_engines()] == ["r"]
    await client.aclose()
    assert (idp.issued, idp.requests) == (2, 3)


async def test_a_centre_that_believes_no_token_is_asked_twice_and_no_more(idp: Idp) -> None:
    client = idp.client()
    idp.lifetime = None
    await client.list_engines()
    idp.accepted = set()
    idp.requests = 0

    class Nothing(set[str]):
        def add(self, _: str) -> None: ...

    idp.accepted = Nothing()
    with pytest.raises(Refused, match="401") as caught:
        await client.list_engines()
    await client.aclose()
    assert idp.requests == 2
    assert "token-number" not in str(caught.value)


async def test_wrong_credentials_are_refused_and_not_shown(idp: Idp) -> None:
    idp.answer = JSONResponse({"error": "invalid_client", "error_description": f"not {SECRET}"}, status_code=401)
    client = idp.client()
    with pytest.raises(Refused, match="MLC_CENTER_CLIENT_SECRET") as caught:
        await client.list_engines()
    await client.aclose()
    assert SECRET not in str(caught.value)
    assert idp.requests == 0


@pytest.mark.parametrize("status", [200, 429, 500, 503])
async def test_a_token_endpoint_that_fails_is_an_outage_and_nothing_was_done(idp: Idp, status: int) -> None:
    idp.answer = JSONResponse({"nothing": "here"}, status_code=status)
    client = idp.client()
    with pytest.raises(Unavailable, match="token") as caught:
        await client.list_engines()
    assert not caught.value.maybe_done
    idp.answer = None
    assert await client.list_engines()
    await client.aclose()
