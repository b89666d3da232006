"""Tells the gateway of changed snapshots and ended jobs, as ModelOp's model-manage tells its MLC manager."""

import asyncio
import logging
from typing import Any

import httpx

from mlc.center.certificates import certificates
from mlc.center.modelop.snapshots import DEPLOY_MARK, HELD_MARK
from mlc.settings import StandaloneCenterSettings
from mlc.standalone.center.entities import KINDS, TERMINAL_STATUSES, Kind

JsonObject = dict[str, Any]

PREFIX = "com.modelop.mlc.definitions."
SNAPSHOT_CHANGED = PREFIX + "Signals_deployable_model_changed"
JOB_CHANGED = PREFIX + "Signals_job_status_changed"

_PAUSES = (0.5, 1, 2, 5, 10, 30)  # seconds between tries: best effort, since processes look for themselves too
_MOST_WAITING = 1000
_log = logging.getLogger(__name__)


class Signals:
    """Sends signals in the background; a gateway that is away or refuses disturbs no request."""

    def __init__(self, settings: StandaloneCenterSettings, http: httpx.AsyncClient | None = None) -> None:
        self._url = f"{(settings.signal_url or '').rstrip('/')}/mlc-service/rest/signal"
        token = settings.signal_token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._http = http or httpx.AsyncClient(
            timeout=10, limits=httpx.Limits(max_connections=4), verify=certificates()
        )
        self._headers = headers
        self._sending: set[asyncio.Task[None]] = set()

    def changed(self, kind: Kind, before: JsonObject | None, after: JsonObject) -> None:
        """Listener of the centre."""
        if kind is KINDS["deployableModels"] and _is_business(after) and not _is_held(after):
            self._send(SNAPSHOT_CHANGED, "DEPLOYABLE_MODEL", without_contents(after))
        elif kind is KINDS["jobs"] and _has_ended(before, after):
            slim = {**after, **{part: _id(after[part]) for part in ("model", "referenceModel") if after.get(part)}}
            self._send(JOB_CHANGED, "JOB", without_contents(slim))

    async def aclose(self) -> None:
        """Give up what is not sent yet."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._http.aclose()

    def _send(self, name: str, variable: str, value: JsonObject) -> None:
        if len(self._sending) >= _MOST_WAITING:
            _log.warning("%s for %s was not sent: %d signals wait for the gateway.", name, value["id"], _MOST_WAITING)
            return
        task = asyncio.create_task(self._deliver({"name": name, "variables": {variable: {"value": value}}}))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, signal: JsonObject) -> None:
        problem = ""
        for pause in (*_PAUSES, 0):
            try:
                answer = await self._http.post(self._url, json=signal, headers=self._headers)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                problem = type(error).__name__
            else:
                if answer.is_success:
                    return
                problem = str(answer.status_code)
                if answer.is_client_error and answer.status_code not in {408, 429}:
                    break
            await asyncio.sleep(pause)
        _log.warning(
            "The gateway did not take %s (%s); check MLC_STANDALONE_CENTER_SIGNAL_URL.", signal["name"], problem
        )


def without_contents(value: Any) -> Any:
    """A copy without the bytes of assets."""
    if isinstance(value, dict):
        return {k: without_contents(v) for k, v in value.items() if k not in {"fileContent", "sourceCode"}}
    return [without_contents(item) for item in value] if isinstance(value, list) else value


def _is_business(snapshot: JsonObject) -> bool:
    meta = (snapshot.get("storedModel") or {}).get("modelMetaData") or {}
    return bool(meta.get("modelCategory", "BUSINESS_MODEL") == "BUSINESS_MODEL")


def _is_held(snapshot: JsonObject) -> bool:
    """Somebody will start its process by hand, and has not yet."""
    meta = snapshot.get("metaData")
    custom = meta.get("custom") if isinstance(meta, dict) else None
    return isinstance(custom, dict) and custom.get(HELD_MARK) is True and not custom.get(DEPLOY_MARK)


def _has_ended(before: JsonObject | None, after: JsonObject) -> bool:
    status = after.get("jobStatus")
    return status in TERMINAL_STATUSES and status != (before or {}).get("jobStatus")


def _id(entity: JsonObject) -> JsonObject:
    return {"id": entity.get("id")}
