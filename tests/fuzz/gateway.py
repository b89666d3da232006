"""Whatever a body says, the gateway answers it with 2xx or with 4xx and a sentence, soon, and goes on.

Each example is a request that is let in: what has to be signed is signed. Behind the gateway are a model centre and a
Temporal server on which nothing runs, so that what is started stays so.
"""

import asyncio
import hashlib
import hmac
import json
import os
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.center.modelop.wire import DeployableModel, ModelMetaData, StoredModel
from mlc.gateway import hints, pace
from mlc.gateway.app import create_app
from mlc.gateway.temporal import connect
from mlc.model.file import FileRules
from mlc.settings import GatewaySettings, StandaloneCenterSettings
from mlc.standalone.center.app import create_app as create_center
from mlc.ticketing.jira.settings import JiraSettings
from mlc.ticketing.servicenow.settings import ServiceNowSettings

from .gateway_bodies import SIGNALS, Sent, requests

SECRET = "s3cret-that-signs"
LIMIT = 15.0
"""Seconds that an answer may take, on a busy machine: bodies are 16 MB at most."""
LONGEST_SENTENCE = 1_200
"""With an example of what is right."""
TAKEN = frozenset({200, 202, 204})
REFUSED = frozenset({400, 401, 404, 408, 413, 422})


class BrokenPromiseError(Exception):
    """The gateway answered, but not as it should, or did not."""


class Gateway(NamedTuple):
    """One that runs, a client of it, and the id of a snapshot that its centre has."""

    client: httpx.Client
    snapshot: str


@contextmanager
def gateway(temporal: str, folder: Path, *, foreign: bool = False) -> Iterator[Gateway]:
    """A gateway before the Temporal server at an address; files may lie below ``folder``."""
    from tests.servers import serving

    token, secrets = SecretStr("of the centre"), [SecretStr(SECRET)]
    centre = create_center(StandaloneCenterSettings(database=folder / "center.db", token=token), connect=_nowhere)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {"TEMPORAL_ADDRESS": temporal}))
        # Bodies about the same ticket or job are few, and it is not their pace that is tried.
        stack.enter_context(patch.object(hints, "LOOKS", (0.0,)))
        stack.enter_context(patch.object(pace, "BETWEEN", 0.0))
        address = stack.enter_context(serving(centre, socket.create_server(("127.0.0.1", 0))))
        its = CenterSettings(url=f"{address}/model-manage/api", token=token, reads_any_asset=foreign)
        app = create_app(
            GatewaySettings(webhook_rate=1e6, webhook_burst=10**6),
            JiraSettings(project="MLR", webhook_secrets=secrets),
            ServiceNowSettings(webhook_secrets=secrets),
            temporal=asyncio.run(connect()),
            center=ModelOpCenter(its),
            files=FileRules(root=folder, hosts=["files.example.org"]),
        )
        snapshot = asyncio.run(_snapshot(its))
        url = stack.enter_context(serving(app, socket.create_server(("127.0.0.1", 0))))
        yield Gateway(stack.enter_context(httpx.Client(base_url=url, timeout=4 * LIMIT)), snapshot)


async def _nowhere() -> Any:
    raise ConnectionError("this centre has no runtimes to hand jobs to")


async def _snapshot(its: CenterSettings) -> str:
    centre = ModelOpCenter(its)
    model = DeployableModel(stored_model=StoredModel(model_meta_data=ModelMetaData(name="m")))
    made = await centre.model_manage.create_snapshot(model)
    await centre.aclose()
    return made.id


def tried(gateway: Gateway, sent: Sent) -> int:
    """Send a request, and raise if the answer breaks a promise. Its status."""
    headers = [("Content-Type", "application/json"), *sent.headers]
    if sent.path != SIGNALS and "X-Hub-Signature" not in dict(sent.headers):
        digest = hmac.new(SECRET.encode(), sent.body, hashlib.sha256).hexdigest()
        headers.append(("X-Hub-Signature", f"sha256={digest}"))
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    began = time.monotonic()
    try:
        answer = gateway.client.post(sent.path, content=sent.body, headers=encoded)
    except httpx.TransportError as error:
        raise BrokenPromiseError(f"no answer: {error!r}") from error
    if (took := time.monotonic() - began) > LIMIT:
        raise BrokenPromiseError(f"{took:.1f} seconds for {len(sent.body)} bytes")
    if answer.status_code not in TAKEN | REFUSED:
        raise BrokenPromiseError(f"{answer.status_code}: {answer.text[:300]}")
    if answer.status_code in REFUSED:
        told(answer)
    return answer.status_code


def told(answer: httpx.Response) -> None:
    """A refusal is a sentence that can be shown, and holds no secret."""
    try:
        sentence = answer.json()["detail"]
        shown = isinstance(sentence, str) and sentence.isprintable() and 0 < len(sentence.strip()) <= LONGEST_SENTENCE
    except (ValueError, KeyError, TypeError):
        shown = False
    if not shown or SECRET in answer.text:
        raise BrokenPromiseError(f"{answer.status_code}, not to be shown: {answer.text[:300]!r}")


def run(seconds: float, *, examples: int = 500) -> str:
    """Send request after request for so long; one whose answer breaks a promise is made small, and raised."""
    came: Counter[int] = Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, _temporal() as address, gateway(address, Path(folder)) as running:

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(requests(running.snapshot))
        def one(sent: Sent) -> None:
            came[tried(running, sent)] += 1

        while time.monotonic() < end:
            one()
    return f"{came.total()} requests in {seconds:.0f} seconds, none broke a promise: {json.dumps(came)}"


@contextmanager
def _temporal() -> Iterator[str]:
    """A server of one's own; its address."""
    from tests.servers import start_dev_server

    with asyncio.Runner() as runner:
        server = runner.run(start_dev_server())
        try:
            yield server.client.service_client.config.target_host
        finally:
            runner.run(server.shutdown())
