"""A model centre that has one job and nothing else."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from mlc.center.modelop import wire
from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings


class OneJob:
    """Answers what a runtime asks about its job, in ModelOp's JSON; what the runtime changes can be looked at."""

    def __init__(self, job: wire.Job) -> None:
        self._entity = job.wire()

    @property
    def job(self) -> wire.Job:
        return wire.Job.model_validate(self._entity)

    @asynccontextmanager
    async def center(self) -> AsyncIterator[ModelOpCenter]:
        """A centre in the domain's terms, with this job."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._answer)) as http:
            yield ModelOpCenter(CenterSettings(url="http://centre"), http=http)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != f"/jobs/{self.job.id}":
            return httpx.Response(404, json={"message": "There is one job here."})
        if request.method == "PATCH":
            self._entity |= json.loads(await request.aread())
        return httpx.Response(200, json=self._entity)
