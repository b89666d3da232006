"""Models and snapshots: what ModelOp calls storedModel and deployableModel, as ours, and what is written on them."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from mlc.center.modelop import ids, literals, wire
from mlc.center.modelop.assets import Refer, read_assets, read_required, unreferred, written_required
from mlc.center.modelop.monitors import read_timings, written_timings
from mlc.center.modelop.schedules import read_schedule
from mlc.center.modelop.settings import CenterSettings
from mlc.model.schedule import Schedule
from mlc.model.snapshot import (
    DecisionEntry,
    Model,
    Monitor,
    Repository,
    RuntimeName,
    Schema,
    Snapshot,
    Submission,
)

DEPLOY_MARK, DECISION_MARK, HELD_MARK = "mlcDeployModel", "mlcDecision", "mlcHeld"
"""Custom metadata in which the processes keep their own notes; one that is held starts by hand alone."""
_OWN_MARKS = frozenset({DEPLOY_MARK, DECISION_MARK, HELD_MARK})
_ROLE = "defaultAssociationRole"
_CATEGORY = "Model category"
_CENTRES_OWN = frozenset({"attachments"})
"""Fields of a model's metadata that nobody says in a folder, and the centre keeps."""


def read_snapshot(snapshot: wire.DeployableModel, settings: CenterSettings, refer: Refer = unreferred) -> Snapshot:
    meta = snapshot.meta_data
    return Snapshot(
        id=ids.encode(snapshot.id),
        name=meta.name,
        description=meta.description or "",
        author=snapshot.created_by or "",
        created=moment(snapshot.created_date),
        tags=meta.tags,
        custom={name: value for name, value in meta.custom.items() if name not in _OWN_MARKS},
        model=read_model(snapshot.stored_model),
        assets=read_assets(snapshot.stored_model.model_assets, settings, refer),
        monitors=[_monitor(association, settings, refer) for association in snapshot.associated_models],
        target_runtimes=[
            RuntimeName(id=ids.encode(engine.id), name=engine.name) for engine in snapshot.target_runtimes
        ],
        submission=read_submission(meta.custom.get(DEPLOY_MARK)),
        expires=_day(wire.value(snapshot, settings.expiration_field)),
        ref=refer(snapshot),
    )


def read_model(model: wire.StoredModel) -> Model:
    about = model.model_meta_data
    git = about.repository_info or {}
    return Model(
        id=ids.encode(model.id),
        name=about.name,
        group=model.group or "",
        author=model.created_by or "",
        created=moment(model.created_date),
        description=about.description or "",
        type=about.type,
        methodology=about.model_methodology or "",
        risk=about.model_risk or "",
        stage=about.model_stage or "",
        use=about.model_use_category or "",
        organization=about.model_organization or "",
        tags=about.tags,
        custom=about.custom,
        is_monitor=about.model_category == literals.MONITORING_MODEL,
        repository=Repository(
            url=str(git.get("repositoryRemote") or ""),
            branch=str(git.get("repositoryBranch") or ""),
            commit=str(git.get("lastCommitId") or ""),
        ),
        input_schemas=list(_schemas(about.input_schema)),
        output_schemas=list(_schemas(about.output_schema)),
        required_roles=[str(asset.get("assetRole")) for asset in model.required_assets],
        required_assets=list(read_required(model.required_assets)),
        association_role=str(about.custom.get(_ROLE) or ""),
        monitor_timings=read_timings(about.custom),
        details={label(n): v for n, v in {"modelCategory": about.model_category, **(about.model_extra or {})}.items()},
    )


def written_model(model: Model) -> wire.StoredModel:
    """A model as it is registered, without its files."""
    category = str(model.details.get(_CATEGORY) or literals.BUSINESS_MODEL)
    git = model.repository
    about: dict[str, Any] = {
        "description": model.description,
        "modelMethodology": model.methodology,
        "modelRisk": model.risk,
        "modelStage": model.stage,
        "modelUseCategory": model.use,
        "modelOrganization": model.organization,
        "repositoryInfo": {
            name: text
            for name, text in (
                ("repositoryRemote", git.url),
                ("repositoryBranch", git.branch),
                ("lastCommitId", git.commit),
            )
            if text
        },
    }
    role = {_ROLE: model.association_role} if model.association_role else {}
    meta = {
        **{unlabelled(name): value for name, value in model.details.items() if name != _CATEGORY},
        **{name: known for name, known in about.items() if known},
        "name": model.name,
        "type": model.type,
        "tags": model.tags,
        "custom": {**role, **model.custom, **written_timings(model.monitor_timings)},
        "modelCategory": literals.MONITORING_MODEL if model.is_monitor else category,
        "inputSchema": [_written_schema(schema) for schema in model.input_schemas],
        "outputSchema": [_written_schema(schema) for schema in model.output_schemas],
    }
    required = list(written_required(model.required_roles, model.required_assets))
    return wire.StoredModel(model_meta_data=wire.ModelMetaData.model_validate(meta), required_assets=required)


def named_only(snapshot: wire.DeployableModel) -> wire.DeployableModel:
    """What leads to a snapshot and tells people which it is, without all that it holds."""
    model = snapshot.stored_model
    about = model.model_meta_data
    return wire.DeployableModel(
        id=snapshot.id,
        meta_data=wire.MetaData(name=snapshot.meta_data.name),
        stored_model=wire.StoredModel(
            id=model.id, model_meta_data=wire.ModelMetaData(name=about.name, model_category=about.model_category)
        ),
    )


def replacing(before: wire.StoredModel, model: wire.StoredModel) -> dict[str, Any]:
    """The patch that makes a registered model this one. What it says no more is removed, or it would be inherited.

    A centre merges a patch into what it has; null takes a field away.
    """
    known, patch = before.model_meta_data.wire(), model.wire()
    said = patch["modelMetaData"]
    gone = known.keys() - said.keys() - _CENTRES_OWN
    said |= dict.fromkeys(sorted(gone))
    said["custom"] = _merged_away(known.get("custom"), said.get("custom") or {})
    if isinstance(known.get("repositoryInfo"), dict) and said.get("repositoryInfo") is not None:
        said["repositoryInfo"] = _merged_away(known["repositoryInfo"], said["repositoryInfo"])
    return patch


def _merged_away(before: Any, after: dict[str, Any]) -> dict[str, Any]:
    """What, merged into ``before``, leaves ``after``."""
    old = before if isinstance(before, dict) else {}
    gone = dict.fromkeys(sorted(old.keys() - after.keys()))
    kept = {
        name: _merged_away(old.get(name), value) if isinstance(value, dict) else value for name, value in after.items()
    }
    return {**gone, **kept}


def label(name: str) -> str:
    """``enableInputSchemaChecking`` as people write it: ``Enable input schema checking``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return words[:1].upper() + words[1:].lower()


def unlabelled(text: str) -> str:
    """The field of a label."""
    first, *others = text.split(" ")
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in others)


def read_submission(mark: Any) -> Submission | None:
    """Which run took a snapshot up; None if none did. A mark that can't be read is a run's without a name."""
    if not mark:
        return None
    try:
        return Submission(workflow_id=mark["workflowId"], run_id=mark["runId"])
    except (TypeError, KeyError, ValidationError):
        return Submission(workflow_id="", run_id="")


def written_submission(submission: Submission) -> dict[str, Any]:
    return {"workflowId": submission.workflow_id, "runId": submission.run_id}


def read_decision(mark: Any, expiration: Any = None) -> DecisionEntry | None:
    """What was decided; None if nothing was, or somebody else has written there."""
    try:
        return DecisionEntry(
            decision=mark["decision"],
            verdict=mark["verdict"],
            test_result_id=mark["testResultId"],
            job_id=mark["jobId"],
            assets=mark["assets"],
            workflow_id=mark["workflowId"],
            expiration_date=date.fromisoformat(expiration) if expiration else None,
        )
    except (TypeError, KeyError, ValueError):
        return None


def written_decision(entry: DecisionEntry) -> dict[str, Any]:
    """The mark; the expiration date stands in a field of its own."""
    return {
        "decision": entry.decision.model_dump(mode="json"),
        "verdict": entry.verdict.model_dump(mode="json") if entry.verdict else None,
        "testResultId": entry.test_result_id,
        "jobId": entry.job_id,
        "assets": entry.assets,
        "workflowId": entry.workflow_id,
    }


def moment(stated: datetime | None) -> datetime | None:
    """A time of the centre's, with the zone that it means."""
    return stated.replace(tzinfo=UTC) if stated and stated.tzinfo is None else stated


def _day(stated: Any) -> date | None:
    try:
        return date.fromisoformat(str(stated or "")[:10])
    except ValueError:
        return None


def _monitor(association: wire.Association, settings: CenterSettings, refer: Refer) -> Monitor:
    model = _object(association.associated_model)
    about, meta = _object(_object(model.get("storedModel")).get("modelMetaData")), _object(model.get("metaData"))
    schedules: list[Schedule] = [read_schedule(schedule, settings) for schedule in association.schedules]
    return Monitor(
        name=str(about.get("name") or meta.get("name") or ""),
        snapshot_id=ids.encode(str(model.get("id") or "")),
        assets=read_assets(association.association_assets, settings, refer),
        schedules=schedules,
        watches=association.association_role not in literals.NO_MONITORS,
        role=association.association_role,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _schemas(schemas: Iterable[dict[str, Any]]) -> Iterable[Schema]:
    for schema in schemas:
        definition = schema.get("schemaDefinition")
        if isinstance(definition, str):
            try:
                definition = json.loads(definition)
            except (ValueError, RecursionError):
                definition = None
        name = schema.get("name") or schema.get("schemaId") or ""
        yield Schema(name=str(name), definition=definition if isinstance(definition, dict) else None)


def _written_schema(schema: Schema) -> dict[str, Any]:
    """A schema's id follows from what it says."""
    what = f"mlc/schema/{schema.name}/{json.dumps(schema.definition, sort_keys=True)}"
    return {
        "schemaId": str(uuid5(NAMESPACE_URL, what)),
        "name": schema.name,
        "schemaDefinition": schema.definition,
    }
