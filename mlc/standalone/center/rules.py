"""What the centre itself sees to when entities come and change: defaults, copies, and what may not be."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from mlc.model.failure import MlcError
from mlc.standalone.center.entities import HANDED_TO, KINDS, TERMINAL_STATUSES, Kind, references
from mlc.standalone.center.listings import LONGEST, can_be_found_by
from mlc.standalone.center.store import Conflict

JsonObject = dict[str, Any]
Lookup = Callable[[Kind, str], JsonObject | None]

DEPLOYING, DEPLOYED, UNDEPLOYED, FAILED = "DEPLOYING", "DEPLOYED", "UNDEPLOYED", "ERROR"
_AFTER = {UNDEPLOYED: (UNDEPLOYED,), FAILED: (FAILED, UNDEPLOYED)}
"""What the state of a deployment that has ended may become: one that failed can still be taken back."""
_THE_CENTRES_OWN = ("createdDate", "lastModifiedDate", "lastModifiedBy", "versionNumber", HANDED_TO)
_LONGEST_NAME = 200
_DEEPEST = 100  # a snapshot in a job in a listing must still be far from Python's recursion limit


class BadRequest(MlcError, ValueError):
    """What was sent can't be an entity. The text says why."""


def accept(kind: Kind, document: JsonObject, lookup: Lookup) -> JsonObject:
    """A document as sent, made into one to be stored. ``lookup`` finds entities that it names by id.

    Raises:
        BadRequest: a field has the wrong type, or something that is named does not exist.
    """
    document = {key: value for key, value in without_links(document).items() if key not in _THE_CENTRES_OWN}
    if not document.get("id"):
        document.pop("id", None)
    else:
        _require_uuid(document["id"])
    check(kind, document)
    {
        "storedModels": _stored_model,
        "deployableModels": _snapshot,
        "jobs": _job,
        "engines": _engine,
        "deployedModels": _deployment,
    }.get(kind.plural, _anything)(document, lookup)
    return document


def merge(kind: Kind, document: JsonObject, changes: JsonObject) -> None:
    """Apply a merge patch in place: objects are merged, lists and scalars replaced, null removes (RFC 7396).

    Raises:
        BadRequest: a field would have the wrong type.
        Conflict: a job's terminal status would change, or a deployment that has ended would come back;
            or the kind never changes.
    """
    if kind.append_only:
        raise Conflict(f"{kind.plural} never change; add another one.")
    status = document.get("jobStatus")
    state = document.get("state")
    changes = {key: value for key, value in without_links(changes).items() if key not in (*_THE_CENTRES_OWN, "id")}
    _merge(document, changes)
    check(kind, document)
    if kind is KINDS["jobs"] and status in TERMINAL_STATUSES and document.get("jobStatus") != status:
        raise Conflict(f"Job {document.get('id')} ended with {status}, which is final; create another job.")
    if kind is KINDS["deployedModels"]:
        _follow_state(document, state)


def _follow_state(deployment: JsonObject, before: Any) -> None:
    after = deployment.get("state")
    if str(before) in _AFTER and after not in _AFTER[before]:
        raise Conflict(f"Deployment {deployment.get('id')} ended as {before}, which is final; make another deployment.")
    if after == UNDEPLOYED != before:
        deployment.setdefault("undeployTime", datetime.now(UTC).isoformat().replace("+00:00", "Z"))


def check(kind: Kind, document: JsonObject) -> None:
    """Raise ``BadRequest`` if a field that has a type is not of it, or an entity could not be found by one."""
    try:
        kind.type.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadRequest(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    for column, value in references(kind, document).items():
        if value is not None and not can_be_found_by(value):
            raise BadRequest(
                f"{kind.references[column]}: at most {LONGEST} bytes, and no NUL character, can stand here."
            )


def without_links(document: JsonObject) -> JsonObject:
    """A copy of what a client read from a centre, without the links that stood in it and in what it embeds."""
    cleaned: JsonObject = _cleaned(document)
    return cleaned


def _cleaned(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise BadRequest(f"The body is nested more than {_DEEPEST} levels deep; flatten it.")
    if isinstance(value, dict):
        return {key: _cleaned(inner, depth + 1) for key, inner in value.items() if key != "_links"}
    return [_cleaned(inner, depth + 1) for inner in value] if isinstance(value, list) else value


def _merge(document: JsonObject, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            document.pop(key, None)
        elif isinstance(value, dict):
            inner = document.get(key)
            document[key] = inner if isinstance(inner, dict) else {}
            _merge(document[key], value)
        else:
            document[key] = value


def _stored_model(document: JsonObject, _: Lookup) -> None:
    if not (document.get("modelMetaData") or {}).get("name"):
        raise BadRequest("modelMetaData.name: a stored model needs a name.")


def _snapshot(document: JsonObject, lookup: Lookup) -> None:
    _embed(document, "storedModel", KINDS["storedModels"], "modelMetaData", lookup)
    model = document.get("storedModel")
    if not isinstance(model, dict) or not model.get("modelMetaData"):
        raise BadRequest("storedModel: a snapshot needs the model that it is a copy of, or that model's id.")
    meta = document.setdefault("metaData", {})
    if not meta.get("name"):
        meta["name"] = f"{model['modelMetaData'].get('name', '')}-{datetime.now(UTC):%Y%m%d_%H%M}"


def _job(document: JsonObject, lookup: Lookup) -> None:
    if not document.get("jobType"):
        raise BadRequest("jobType: a job needs one, such as MODEL_BATCH_TEST_JOB.")
    for part in ("model", "referenceModel"):
        _embed(document, part, KINDS["deployableModels"], "storedModel", lookup)


def _engine(document: JsonObject, _: Lookup) -> None:
    name = document.get("name") or ""
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise BadRequest(f"name: a runtime needs a name of at most {_LONGEST_NAME} characters.")


def _deployment(document: JsonObject, lookup: Lookup) -> None:
    """Online deployments begin as DEPLOYING, until their runtime says otherwise; batch ones only mark a snapshot."""
    _embed(document, "deployableModel", KINDS["deployableModels"], "storedModel", lookup)
    snapshot = document.get("deployableModel")
    if not isinstance(snapshot, dict) or not snapshot.get("id"):
        raise BadRequest("deployableModel: a deployment needs a snapshot, or a snapshot's id.")
    _embed(document, "engine", KINDS["engines"], "name", lookup)
    engine = document.get("engine")
    if engine is None:
        document.pop("engine", None)
    document["state"] = DEPLOYING if is_online(engine or {}) else DEPLOYED
    stage = (snapshot.get("storedModel") or {}).get("modelMetaData", {}).get("modelStage")
    target = document.get("deploymentTarget") or (engine or {}).get("environmentName") or stage
    if target:
        document["deploymentTarget"] = target


def _anything(_document: JsonObject, _: Lookup) -> None:
    return


def is_online(engine: JsonObject) -> bool:
    """A runtime with endpoints serves online; one without waits for batch jobs."""
    return bool(engine.get("inputEndpoints") or engine.get("outputEndpoints"))


def _embed(document: JsonObject, part: str, kind: Kind, proof: str, lookup: Lookup) -> None:
    """Replace a reference by id (a part without its ``proof`` field) with a copy of the entity."""
    reference = document.get(part)
    if not isinstance(reference, dict) or reference.get(proof) or not reference.get("id"):
        return
    entity = lookup(kind, str(reference["id"]))
    if entity is None:
        raise BadRequest(f"{part}: there is nothing in {kind.plural} with the id {str(reference['id'])[:100]}.")
    document[part] = entity | reference


def _require_uuid(value: Any) -> None:
    try:
        UUID(str(value))
    except ValueError as error:
        raise BadRequest("id: an id is a UUID; leave it out to be given one.") from error
