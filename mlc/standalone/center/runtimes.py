"""The centre as one runtime sees it: its own jobs and deployments and itself; whatever isn't allowed here is refused.

What isn't its own is to a runtime as if it were not there: it can't find out which ids there are. Nor can it name
another's file by its hash: the store would put the content of whoever's file has that hash into what is read.
"""

from collections.abc import Mapping
from typing import Any

from mlc.standalone.access.routes import NotAllowed
from mlc.standalone.center.contents import hashes_without_content, names_hash
from mlc.standalone.center.entities import (
    CANCELLED,
    COMPLETE,
    ERROR,
    KINDS,
    RUNNING,
    TERMINAL_STATUSES,
    Kind,
    engine_reader,
    handed_to,
    runtime_reader,
)
from mlc.standalone.center.files.routes import Visitor
from mlc.standalone.center.listings import Page
from mlc.standalone.center.representation import Contents
from mlc.standalone.center.rows import missing
from mlc.standalone.center.rules import DEPLOYED, DEPLOYING, FAILED, UNDEPLOYED, merge
from mlc.standalone.center.service import ModelCenter
from mlc.standalone.center.store import Conflict

JsonObject = dict[str, Any]

_JOBS, _ENGINES, _DEPLOYMENTS = KINDS["jobs"], KINDS["engines"], KINDS["deployedModels"]
_OF_A_JOB = frozenset(
    {"jobStatus", "jobResult", "jobMessages", "runtimeInfo", "outputData", "jobEndTime", "jobRunTime"}
)
_STATUSES = (RUNNING, COMPLETE, ERROR, CANCELLED)
_OF_ITSELF = frozenset(
    {
        *("name", "engineType", "state", "platform", "tags", "environmentName", "lastActivity", "mlcManyModels"),
        *("inputEndpoints", "outputEndpoints"),
    }
)
_OF_A_DEPLOYMENT = frozenset({"state", "messages", "metaData"})
_TOLD = frozenset({"mlcAddress", "mlcWarning"})
"""What of a deployment's ``metaData.custom`` its runtime tells."""


class RuntimesCenter:
    """Has the verbs of :class:`~mlc.standalone.center.service.ModelCenter`, and raises ``NotAllowed`` besides.

    Args:
        center: the centre as the operator sees it.
        name: the runtime's, as its token was issued for it.
    """

    def __init__(self, center: ModelCenter, name: str) -> None:
        self._center = center
        self._name = name

    async def page(self, kind: Kind, where: Mapping[str, str] | None = None, **how: Any) -> Page:
        where = dict(where or {})
        if kind is _ENGINES and where.keys() <= {"name"}:
            if where.setdefault("name", self._name) == self._name:
                return await self._center.page(kind, where, **how)
            return Page([], 0)
        if kind is _DEPLOYMENTS and where.keys() == {"engine_id"}:
            if where["engine_id"] in await self._own_ids():
                return await self._center.page(kind, where, **how)
            return Page([], 0)
        raise self._refusal(f"reads no listing of {kind.plural} but of its own")

    async def get(self, kind: Kind, entity_id: str, contents: Contents = Contents.EMBEDDED) -> JsonObject:
        own_ids = await self._ids_for(kind, "reads")
        document = await self._center.get(kind, entity_id, contents)
        self._require_own(kind, document, own_ids)
        return document

    async def create(self, kind: Kind, document: JsonObject) -> tuple[JsonObject, bool]:
        """Itself, and nothing else. It gets its id from the centre: deployments go to a runtime's id."""
        if kind is not _ENGINES:
            raise self._refusal(f"makes no {kind.plural}")
        self._check_itself(document)
        return await self._center.create(kind, document)

    async def patch(self, kind: Kind, entity_id: str, changes: JsonObject, *, version: int | None = None) -> JsonObject:
        own_ids = await self._ids_for(kind, "changes")
        readers = (await self.visitor()).readers or frozenset()
        # Looked at before the version is, which would tell of entities that there are.
        self._require_own(kind, await self._center.get(kind, entity_id, Contents.NONE), own_ids)

        def change(document: JsonObject) -> None:
            self._require_own(kind, document, own_ids)
            self._check(kind, document, changes)
            known = set(hashes_without_content(document))
            merge(kind, document, changes)
            # Of the whole: what says that a part is a file may come in one change, and its hash in another.
            told = set(hashes_without_content(document)) - known
            if not all(self._center.store.files.is_readable(digest, readers) for digest in told):
                raise self._refusal("tells of no file that it neither sends nor reads")

        return await self._center.change(kind, entity_id, change, version=version)

    async def visitor(self) -> Visitor:
        """As whom it reads and sends files: those of its jobs and deployments, and those that it has sent."""
        name = runtime_reader(self._name)
        return Visitor(name, frozenset({name, *map(engine_reader, await self._own_ids())}))

    async def delete(self, kind: Kind, _: str) -> None:
        raise self._refusal(f"deletes no {kind.plural}")

    async def _ids_for(self, kind: Kind, does: str) -> frozenset[str]:
        """The ids that the runtime is registered under, if they tell which of this kind are its own."""
        if kind not in (_JOBS, _ENGINES, _DEPLOYMENTS):
            raise self._refusal(f"{does} no {kind.plural}")
        return await self._own_ids() if kind is _DEPLOYMENTS else frozenset()

    async def _own_ids(self) -> frozenset[str]:
        named = await self._center.page(_ENGINES, {"name": self._name}, size=1000)
        return frozenset(engine["id"] for engine in named.items)

    def _require_own(self, kind: Kind, document: JsonObject, own_ids: frozenset[str]) -> None:
        if kind is _JOBS:
            own = handed_to(document) == self._name
        elif kind is _ENGINES:
            own = document.get("name") == self._name
        else:
            own = _part(document, "engine").get("id") in own_ids
        if not own:
            raise missing(kind, str(document.get("id")))

    def _check(self, kind: Kind, document: JsonObject, changes: JsonObject) -> None:
        if kind is _JOBS:
            self._check_job(document, changes)
        elif kind is _ENGINES:
            self._check_itself({"name": self._name} | changes)
        else:
            self._check_deployment(document, changes)

    def _check_itself(self, document: JsonObject) -> None:
        if document.get("name") != self._name:
            raise self._refusal("registers that runtime only")
        self._check_fields(document, _OF_ITSELF, "of itself")
        if names_hash(document):
            raise self._refusal("has no files")

    def _check_job(self, job: JsonObject, changes: JsonObject) -> None:
        self._check_fields(changes, _OF_A_JOB, "of its job")
        status = job.get("jobStatus")
        if status in TERMINAL_STATUSES:
            raise Conflict(f"Job {job.get('id')} ended with {status}, which is final; create another job.")
        if "jobStatus" in changes and changes["jobStatus"] not in _STATUSES:
            raise self._refusal(f"puts its job into {', '.join(_STATUSES)} only")

    def _check_deployment(self, deployment: JsonObject, changes: JsonObject) -> None:
        self._check_fields(changes, _OF_A_DEPLOYMENT, "of its deployment")
        told = changes.get("metaData", {})
        if not isinstance(told, dict) or not told.keys() <= {"custom"}:
            raise self._refusal("writes of its deployment's metaData what it serves at, and nothing else")
        custom = told.get("custom", {})
        if (
            not isinstance(custom, dict)
            or not custom.keys() <= _TOLD
            or not all(isinstance(text, str) for text in custom.values())
        ):
            raise self._refusal("writes of its deployment's metaData what it serves at, and nothing else")
        before, after = deployment.get("state"), changes.get("state", deployment.get("state"))
        if before in (UNDEPLOYED, FAILED):
            raise Conflict(f"Deployment {deployment.get('id')} ended as {before}, which is final.")
        if after != before and (before != DEPLOYING or after not in (DEPLOYED, FAILED)):
            raise self._refusal(
                f"says of a deployment that it loads whether it is {DEPLOYED} or {FAILED}, and nothing else"
            )

    def _check_fields(self, changes: JsonObject, known: frozenset[str], what: str) -> None:
        # Links that were read with an entity may be sent back.
        if unknown := sorted(changes.keys() - known - {"_links"}):
            raise self._refusal(f"does not write {', '.join(name[:50] for name in unknown[:3])} {what}")

    def _refusal(self, does: str) -> NotAllowed:
        return NotAllowed(f"The token of the runtime {self._name} {does}.")


def _part(document: JsonObject, name: str) -> JsonObject:
    part = document.get(name)
    return part if isinstance(part, dict) else {}
