"""A snapshot as a reviewer reads and compares it: ModelOp's JSON as plain texts."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from activities.snapshots import DECISION_MARK, DEPLOY_MARK
from mlc.center import wire
from mlc.ticketing.content.evidence import AssetFact, FieldFact, ModelCard, SchemaFact
from mlc.ticketing.content.values import flat

OWN_MARKS = {DEPLOY_MARK, DECISION_MARK}
"""Custom metadata in which the processes keep their own notes."""
DEEPEST_SCHEMA = 8
TOO_DEEP = "(nested too deeply to be shown)"


def model_card(snapshot: wire.DeployableModel) -> ModelCard:
    """A snapshot as a reviewer wants to read and compare it."""
    model, about, meta = snapshot.stored_model, snapshot.stored_model.model_meta_data, snapshot.meta_data
    git = about.repository_info or {}
    facts = {
        "Model type": about.type,
        "Use": about.model_use_category,
        "Organization": about.model_organization,
        "Tags": sorted(meta.tags),
        "Model tags": sorted(about.tags),
        "Snapshot description": meta.description,
    }
    custom = {name: value for name, value in {**about.custom, **meta.custom}.items() if name not in OWN_MARKS}
    core = {*ModelCard.model_fields, "owner", "model", "snapshot", "created", *(name.casefold() for name in facts)}
    named = {f"{name} (custom)" if name.casefold() in core else name: value for name, value in custom.items()}
    return ModelCard(
        snapshot_id=snapshot.id,
        snapshot_name=meta.name,
        model_name=about.name,
        owner=snapshot.created_by or model.created_by or "",
        stage=about.model_stage or "",
        methodology=about.model_methodology or "",
        risk=about.model_risk or "",
        description=about.description or "",
        created=moment(snapshot.created_date),
        git_repository=str(git.get("repositoryRemote") or ""),
        git_branch=str(git.get("repositoryBranch") or ""),
        git_commit=str(git.get("lastCommitId") or ""),
        assets=[_asset(asset) for asset in model.model_assets],
        schemas=[*_schemas("Input schema", about.input_schema), *_schemas("Output schema", about.output_schema)],
        metadata={name: text for name, value in flat({**facts, **named}).items() if (text := as_text(value))},
        details={name: text for name, value in flat(_more(about)).items() if (text := as_text(value))},
    )


def _more(about: wire.ModelMetaData) -> dict[str, Any]:
    """What else ModelOp keeps in a model's metadata, such as its category and its return on investment."""
    more = {"modelCategory": about.model_category, **(about.model_extra or {})}
    return {_label(name): value for name, value in more.items()}


def _label(name: str) -> str:
    """``enableInputSchemaChecking`` as people write it."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return words[:1].upper() + words[1:].lower()


def as_text(value: object) -> str:
    """A value of metadata, whole; empty if there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return ", ".join(value)
    try:
        return json.dumps(value, ensure_ascii=False) if value not in ([], {}) else ""
    except RecursionError:
        return TOO_DEEP


def _asset(asset: wire.Asset) -> AssetFact:
    return AssetFact(
        name=asset.filename or asset.name,
        role=asset.asset_role,
        sha256=asset.content_hash.hex_string if asset.content_hash else "",
        place=asset.file_url or "",
    )


def _schemas(side: str, schemas: Iterable[dict[str, Any]]) -> Iterator[SchemaFact]:
    for schema in schemas:
        definition = schema.get("schemaDefinition")
        if isinstance(definition, str):
            try:
                definition = json.loads(definition)
            except (ValueError, RecursionError):
                definition = None
        name = schema.get("name") or schema.get("schemaId") or ""
        yield SchemaFact(side=side, name=str(name), fields=list(_fields("", definition, DEEPEST_SCHEMA)))


def _fields(prefix: str, definition: object, depth: int) -> Iterator[FieldFact]:
    """The fields of an Avro record and of the records in it, by dotted path."""
    if not isinstance(definition, dict) or not isinstance(definition.get("fields"), list) or not depth:
        return
    for field in definition["fields"]:
        if isinstance(field, dict):
            path = f"{prefix}{field.get('name', '?')}"
            properties = {str(name): as_text(value) for name, value in field.items() if name not in {"name", "type"}}
            yield FieldFact(path=path, type=_type(field.get("type")), properties=properties)
            for inner in _inner(field.get("type")):
                yield from _fields(f"{path}.", inner, depth - 1)


def _type(avro: object, depth: int = DEEPEST_SCHEMA) -> str:
    """An Avro type in a few words: ``null or double``, ``array of string``, ``record``."""
    if not depth:
        return "..."
    if isinstance(avro, list):
        return " or ".join(_type(choice, depth - 1) for choice in avro)
    if not isinstance(avro, dict):
        return str(avro)
    kind = avro.get("logicalType") or avro.get("type")
    if kind == "enum":
        return f"enum of {as_text(avro.get('symbols'))}"
    of = {"array": "items", "map": "values"}.get(str(kind))
    return f"{kind} of {_type(avro.get(of), depth - 1)}" if of else _type(kind, depth - 1)


def _inner(avro: object) -> Iterator[object]:
    """The records that a type holds."""
    for choice in avro if isinstance(avro, list) else [avro]:
        if isinstance(choice, dict):
            yield choice if "fields" in choice else choice.get("items", choice.get("values", choice.get("type")))


def moment(date: datetime | None) -> str:
    """A time as people read it, empty if there is none."""
    return f"{date:%Y-%m-%d %H:%M} UTC" if date else ""
