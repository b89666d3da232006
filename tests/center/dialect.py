"""model-manage with other words: a standalone centre that names and says otherwise what ModelOp's material leaves open.

An ASGI application around the centre's. To those who call it, it has the fields, states, types, collections and finders
that the settings given to it tell; whoever uses one of the usual names instead is noted in ``misspoken``.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlc.center.modelop.settings import CenterSettings

ROOT = "/model-manage/api/"
JsonObject = dict[str, Any]
USUAL = CenterSettings.model_construct()
"""The settings that the standalone centre is like."""

OPAQUE = frozenset(
    {"custom", "testResults", "jobParameters", "schemaDefinition", "signalVariables", "runtimeInfo", "record"}
)
JOB_TYPES = ("training_job_type", "metrics_job_type", "scoring_job_type")
STATUSES = ("running_status", "cancelled_status")
STATES = ("deployed_state", "undeployed_state", "deploying_state", "failed_state")
RESULT_FIELDS = ("result_snapshot_field", "result_job_field", "result_monitor_field")
DEPLOYMENT_FIELDS = ("state_field", "runtime_field", "stage_field", "messages_field")
ANYWHERE = ("train_function_field", "time_zone_field", "signal_name_field", "expiration_field")
"""Fields whose names occur nowhere else."""


class Dialect:
    """Translates requests into the usual words, and answers back.

    Attributes:
        misspoken: what callers said in the usual words, which this centre doesn't know.
    """

    def __init__(self, app: ASGIApp, words: CenterSettings) -> None:
        self._app = app
        self._words = words
        self.misspoken: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        plural, *rest = scope["path"].removeprefix(ROOT).split("/")
        usual = self._collection(plural)
        query = scope["query_string"]
        if usual is not None and rest[:1] == ["search"] and len(rest) > 1:
            found = self._finder(usual, rest[1], dict(parse_qsl(query.decode())))
            if found is None:
                usual = None
            else:
                rest[1], query = found[0], urlencode(found[1]).encode()
        if usual is None:
            self.misspoken.append(f"{scope['method']} {scope['path']}")
            await _not_there(send)
            return
        body = await _body(receive)
        path = ROOT + "/".join([usual, *rest])
        asked = {**scope, "path": path, "raw_path": path.encode(), "query_string": query}
        if body:
            body = json.dumps(self._inwards(usual, json.loads(body))).encode()
            lengths = (b"content-length", str(len(body)).encode())
            asked["headers"] = [*((n, v) for n, v in scope["headers"] if n != b"content-length"), lengths]
        await self._answer(asked, body, usual, send)

    async def _answer(self, scope: Scope, body: bytes, usual: str, send: Send) -> None:
        start: Message = {}
        answer = bytearray()
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body}

        async def keep(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                answer.extend(message.get("body", b""))

        await self._app(scope, receive, keep)
        if answer and start["status"] < 300:
            answer = bytearray(json.dumps(self._outwards(usual, json.loads(answer))).encode())
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(answer)).encode())]})
        await send({"type": "http.response.body", "body": bytes(answer)})

    def _collection(self, said: str) -> str | None:
        """The usual name of a collection; None if there is none of the name that was said."""
        for setting in ("test_results", "runtimes", "deployments", "assets", "decision_records"):
            if said == getattr(self._words, setting):
                return str(getattr(USUAL, setting))
            if said == getattr(USUAL, setting):
                return None
        return said

    def _finder(self, usual: str, said: str, query: dict[str, str]) -> tuple[str, dict[str, str]] | None:
        for setting in (name for name in CenterSettings.model_fields if name.startswith("find_")):
            name, _, parameters = str(getattr(self._words, setting)).partition("?")
            known, _, wanted = str(getattr(USUAL, setting)).partition("?")
            if said == name and usual == FINDERS[setting]:
                names = dict(zip(parameters.split(","), wanted.split(","), strict=True))
                self._note_state(setting, query, parameters)
                renamed = {names.get(key, key): value for key, value in query.items()}
                if setting == "find_deployments_by_state":
                    renamed[wanted] = self._word(STATES, renamed[wanted], inwards=True)
                return known, renamed
        return None

    def _note_state(self, setting: str, query: dict[str, str], parameters: str) -> None:
        lacking = [name for name in parameters.split(",") if name not in query]
        if lacking:
            self.misspoken.append(f"{setting} without {', '.join(lacking)}")

    def _inwards(self, usual: str, document: JsonObject) -> JsonObject:
        return self._translated(usual, document, inwards=True)

    def _outwards(self, usual: str, answer: JsonObject) -> JsonObject:
        listed = answer.get("_embedded")
        if not isinstance(listed, dict):
            return self._translated(usual, answer, inwards=False)
        items = {
            plural: [self._translated(usual, item, inwards=False) for item in entities]
            for plural, entities in listed.items()
        }
        return {**answer, "_embedded": items}

    def _translated(self, usual: str, document: JsonObject, *, inwards: bool) -> JsonObject:
        document = dict(self._everywhere(document, inwards=inwards))
        if usual == USUAL.deployments:
            document = self._renamed(document, DEPLOYMENT_FIELDS, inwards=inwards)
            state = USUAL.state_field if inwards else self._words.state_field
            self._say(document, state, STATES, inwards=inwards)
        elif usual == USUAL.test_results:
            document = self._renamed(document, RESULT_FIELDS, inwards=inwards)
        elif usual == "jobs":
            self._say(document, "jobType", JOB_TYPES, inwards=inwards)
            self._say(document, "jobStatus", STATUSES, inwards=inwards)
            self._say(document, "jobResult", ("failure_result",), inwards=inwards)
        return document

    def _renamed(self, document: JsonObject, settings: tuple[str, ...], *, inwards: bool) -> JsonObject:
        names = dict(self._pairs(settings, inwards=inwards))
        if inwards:
            for name in document.keys() & (set(names.values()) - names.keys()):
                self.misspoken.append(f"the field {name}")
            document = {k: v for k, v in document.items() if k in names or k not in names.values()}
        return {names.get(name, name): value for name, value in document.items()}

    def _say(self, document: JsonObject, field: str, settings: tuple[str, ...], *, inwards: bool) -> None:
        if isinstance(document.get(field), str):
            document[field] = self._word(settings, document[field], inwards=inwards)

    def _word(self, settings: tuple[str, ...], word: str, *, inwards: bool) -> str:
        names = dict(self._pairs(settings, inwards=inwards))
        if inwards and word in set(names.values()) - names.keys():
            self.misspoken.append(f"the word {word}")
            return f"not {word}"
        return names.get(word, word)

    def _pairs(self, settings: tuple[str, ...], *, inwards: bool) -> Iterator[tuple[str, str]]:
        for setting in settings:
            ours, usual = str(getattr(self._words, setting)), str(getattr(USUAL, setting))
            yield (ours, usual) if inwards else (usual, ours)

    def _everywhere(self, value: Any, *, inwards: bool) -> Any:
        if isinstance(value, list):
            return [self._everywhere(item, inwards=inwards) for item in value]
        if not isinstance(value, dict):
            return value
        renamed = self._renamed(value, ANYWHERE, inwards=inwards)
        self._say(renamed, "endpointType", ("endpoint_type",), inwards=inwards)
        return {
            name: inner if name in OPAQUE else self._everywhere(inner, inwards=inwards)
            for name, inner in renamed.items()
        }


FINDERS = {
    "find_models_by_name": "storedModels",
    "find_snapshots_by_model": "deployableModels",
    "find_jobs_by_key": "jobs",
    "find_jobs_by_snapshot": "jobs",
    "find_results_by_snapshot": "modelTestResults",
    "find_deployments_by_model": "deployedModels",
    "find_deployments_by_snapshot": "deployedModels",
    "find_deployments_by_engine": "deployedModels",
    "find_deployments_by_state": "deployedModels",
    "find_decisions_by_snapshot": "decisionRecords",
    "find_notifications_by_snapshot": "notifications",
}


async def _body(receive: Receive) -> bytes:
    found = bytearray()
    while True:
        message = await receive()
        found += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(found)


async def _not_there(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
