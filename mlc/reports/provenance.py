"""Where a result comes from: job, runtime, data and code, with their hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlc.charts import Markup, element
from mlc.model.result import Provenance, TestResultRecord
from mlc.model.secret_names import without_secrets
from mlc.reports.room import Room, table_within
from mlc.reports.values import shown

SIZE = 40_000


def provenance_section(result: TestResultRecord) -> Markup:
    """What is needed to get the result again."""
    room, of = Room(SIZE), result.provenance
    files = [*_files("data", of.inputs), *_files("source", of.source), *_files("artefact", of.artefacts)]
    files += [[name, "data", "unknown"] for name in of.read if name not in of.inputs]
    parts = [element("h2", "Made from"), table_within(room, (), _facts(result, of), 100)]
    if of.choice:
        parts.append(element("p", of.choice[:1_000]))
    if files:
        parts.append(table_within(room, ("File", "What", "SHA-256"), files, 100))
    return element("section", *parts)


def _files(what: str, hashes: Mapping[str, str]) -> Iterator[list[str | Markup]]:
    for name, digest in hashes.items():
        yield [name, what, element("code", digest[:64])]


def _facts(result: TestResultRecord, of: Provenance) -> Iterator[list[str]]:
    known = {
        "Result": result.id,
        "Snapshot": result.snapshot_id,
        "Job": result.job_id or of.job_id,
        "Runtime": of.runtime or "",
    }
    yield from ([name, text] for name, text in known.items() if text)
    parameters = without_secrets(of.parameters)
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        yield [f"Parameter {str(name)[:100]}", shown(value)]
    yield from _versions(of.versions or {})


def _versions(versions: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, value in versions.items():
        if isinstance(value, dict):
            yield from ([str(library), shown(version)] for library, version in value.items())
        else:
            yield [str(name), shown(value)]
