"""A snapshot as a reviewer reads and compares it: as plain texts."""

import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from mlc.model.asset import Asset
from mlc.model.moment import in_utc
from mlc.model.secret_names import HIDDEN, TOO_DEEP, without_secrets
from mlc.model.snapshot import Schema, Snapshot
from mlc.ticketing.content.evidence import AssetFact, FieldFact, ModelCard, SchemaFact
from mlc.ticketing.content.values import flat

DEEPEST_SCHEMA = 8
_MARKING = secrets.token_bytes(32)


def model_card(snapshot: Snapshot) -> ModelCard:
    """A snapshot as a reviewer wants to read and compare it."""
    model = snapshot.model
    facts = {
        "Model type": model.type,
        "Use": model.use,
        "Organization": model.organization,
        "Tags": sorted(snapshot.tags),
        "Model tags": sorted(model.tags),
        "Snapshot description": snapshot.description,
    }
    custom = {**model.custom, **snapshot.custom}
    core = {*ModelCard.model_fields, "owner", "model", "snapshot", "created", *(name.casefold() for name in facts)}
    shown = without_secrets(custom)
    named = {f"{name} (custom)" if name.casefold() in core else name: value for name, value in shown.items()}
    return ModelCard(
        snapshot_id=snapshot.id,
        snapshot_name=snapshot.name,
        model_name=model.name,
        owner=snapshot.author or model.author,
        stage=model.stage,
        methodology=model.methodology,
        risk=model.risk,
        description=model.description,
        created=moment(snapshot.created),
        git_repository=model.repository.url,
        git_branch=model.repository.branch,
        git_commit=model.repository.commit,
        assets=[_asset(asset) for asset in snapshot.assets],
        schemas=[
            *schema_facts("Input schema", model.input_schemas),
            *schema_facts("Output schema", model.output_schemas),
        ],
        metadata={name: text for name, value in flat({**facts, **named}).items() if (text := as_text(value))},
        hidden=_hidden(shown, custom),
        details={name: text for name, value in flat(model.details).items() if (text := as_text(value))},
    )


def _hidden(shown: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, str]:
    """By what is hidden, something by which this worker knows whether it changed, and nobody what it is."""
    known, marks = flat(custom), {}
    for name, value in flat(shown).items():
        if HIDDEN in as_text(value):
            inside = [(path, as_text(inner)) for path, inner in known.items() if f"{path}.".startswith(f"{name}.")]
            marks[name] = hmac.digest(_MARKING, repr(inside).encode(errors="replace"), "sha256").hex()
    return marks


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


def _asset(asset: Asset) -> AssetFact:
    return AssetFact(name=asset.name, role=asset.role, sha256=asset.sha256 or "", place=asset.address or "")


def schema_facts(side: str, schemas: Iterable[Schema]) -> Iterator[SchemaFact]:
    """Schemas of one side, field by field."""
    for schema in schemas:
        fields = list(schema_fields(schema.definition))
        yield SchemaFact(side=side, name=schema.name, fields=fields)


def schema_fields(definition: object) -> Iterator[FieldFact]:
    """The fields of an Avro record and of the records in it."""
    yield from _fields("", definition, DEEPEST_SCHEMA)


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
    return f"{in_utc(date):%Y-%m-%d %H:%M} UTC" if date else ""
