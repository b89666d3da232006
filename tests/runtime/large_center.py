"""A model centre with a job and a deployment whose model has a large file. Nothing of it is in memory as a whole.

It embeds the file, or tells its hash and gives it by that, as it is asked.
"""

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PIECE = os.urandom(3 * 2**18)
ENCODED = base64.b64encode(PIECE)
MARK = '"fileContent": "@"'


class LargeCenter:
    """Speaks as much of ModelOp's API as a runtime asks for.

    Args:
        source: the model's only source.
        pieces: how many pieces of 768 KiB its file ``weights.bin`` has.
        job_type: what the job is for.
    """

    def __init__(self, source: str, pieces: int, job_type: str) -> None:
        self.changes: list[dict[str, Any]] = []
        digest = hashlib.sha256()
        for _ in range(pieces):
            digest.update(PIECE)
        self.digest = digest.hexdigest()
        self.given = 0
        """Bytes that were given by the file's hash."""
        self.sent: dict[str, bytes] = {}
        """Files that came by themselves, by their hash."""
        self._pieces = pieces
        code = {"name": "model.py", "filename": "model.py", "assetType": "SOURCE_CODE", "sourceCode": source}
        weights = {"name": "weights.bin", "filename": "weights.bin", "assetRole": "WEIGHTS_FILE", "fileContent": "@"}
        data = {"name": "d.csv", "filename": "d.csv", "fileContent": base64.b64encode(b"a\n1\n").decode()}
        meta = {"name": "Large", "type": "PYTHON"}
        stored = {"id": "model-1", "modelMetaData": meta, "modelAssets": [code | {"primaryModelSource": True}, weights]}
        snapshot = {"id": "snapshot-1", "metaData": {"name": "Large 1"}, "storedModel": stored}
        self._job = {
            "id": "job-1",
            "jobType": job_type,
            "jobStatus": "WAITING",
            "model": snapshot,
            "inputData": [{"assetType": "FILE", "fileFormat": "CSV", **data}],
        }
        self._deployment = {
            "id": "deployment-1",
            "state": "DEPLOYING",
            "createdDate": "2026-01-01T00:00:00Z",
            "engine": {"id": "engine-1", "name": "large"},
            "deployableModel": snapshot,
        }
        self.app = Starlette(
            routes=[
                Route("/jobs/job-1", self._the_job, methods=["GET", "PATCH"]),
                Route("/deployedModels/deployment-1", self._the_deployment, methods=["GET", "PATCH"]),
                Route("/deployedModels", self._deployments),
                Route(f"/contents/{self.digest}", self._content),
                Route("/contents/{digest}", self._file, methods=["HEAD", "PATCH"]),
            ]
        )

    async def _file(self, request: Request) -> Response:
        """How far a file is, or its next bytes."""
        digest = request.path_params["digest"]
        if request.method == "PATCH":
            sent = self.sent.get(digest, b"")
            assert request.headers["Upload-Offset"] == str(len(sent))
            self.sent[digest] = sent + await request.body()
        offset = {"Upload-Offset": str(len(self.sent.get(digest, b"")))}
        if request.method == "HEAD":
            return Response(status_code=404, headers=offset)
        whole = offset["Upload-Offset"] == request.headers["Upload-Length"]
        return Response(status_code=201 if whole else 204, headers=offset)

    async def _the_job(self, request: Request) -> Response:
        return await self._answer(request, self._job)

    async def _the_deployment(self, request: Request) -> Response:
        return await self._answer(request, self._deployment)

    async def _deployments(self, request: Request) -> Response:
        """Whether listings leave out what files contain is not said anywhere: this one does not."""
        return self._described(request, {"_embedded": {"deployedModels": [self._deployment]}})

    async def _content(self, request: Request) -> Response:
        assert "range" not in request.headers
        size = self._pieces * len(PIECE)
        return StreamingResponse(self._raw(), headers={"Content-Length": str(size), "ETag": f'"{self.digest}"'})

    def _raw(self) -> Iterator[bytes]:
        for _ in range(self._pieces):
            self.given += len(PIECE)
            yield PIECE

    async def _answer(self, request: Request, entity: dict[str, Any]) -> Response:
        if request.method == "PATCH":
            change = await asyncio.to_thread(json.loads, await request.body())
            self.changes.append(change)
            entity |= change
            return JSONResponse(self._without_content(entity))
        return self._described(request, entity)

    def _described(self, request: Request, document: dict[str, Any]) -> Response:
        if request.headers.get("MLC-Contents") == "reference":
            return JSONResponse(json.loads(json.dumps(document).replace(MARK, self._reference())))
        return self._streamed(document)

    def _reference(self) -> str:
        known = {
            "fileSize": self._pieces * len(PIECE),
            "contentHash": {"hashType": "SHA-256", "hexString": self.digest},
        }
        return json.dumps({**known, "assetType": "FILE"})[1:-1]

    def _streamed(self, document: dict[str, Any]) -> Response:
        return StreamingResponse(self._pieces_of(json.dumps(document)), media_type="application/json")

    def _without_content(self, entity: dict[str, Any]) -> Any:
        return json.loads(json.dumps(entity).replace(MARK, '"fileSize": 1'))

    def _pieces_of(self, text: str) -> Iterator[bytes]:
        before, _, after = text.partition(MARK)
        yield before.encode()
        if after:
            yield b'"fileContent": "'
            for _ in range(self._pieces):
                yield ENCODED
            yield b'"'
            yield after.encode()
