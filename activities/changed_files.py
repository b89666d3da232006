"""What changed of a snapshot since a test of it: the test's job carries a copy of what it was then."""

import asyncio
import json
from collections.abc import Mapping

from temporalio import activity

import mlc.dmn
from activities.model_card import schema_facts, schema_fields
from mlc.center import Center, Contents
from mlc.model.asset import Asset, AssetRole
from mlc.model.failure import Refused, Unavailable
from mlc.model.snapshot import Snapshot
from mlc.model.verdict import EarlierVerdict
from mlc.ticketing.content.differences import (
    DECIDING,
    FileDifference,
    FileText,
    How,
    Since,
    differences,
    lines_of,
)

UNREAD = "the model centre could not be read"
MOST_READ = 40
"""Files of a snapshot that are read to be compared."""


async def changed_since(center: Center, snapshot_id: str, earlier: EarlierVerdict) -> Since:
    """What changed of the snapshot since the verdict, file by file."""
    try:
        async with center.open_snapshot(snapshot_id) as now:
            if earlier.job_id is None:
                return _by_hashes(earlier.assets, now, "no test job keeps a copy of what was judged then")
            try:
                async with center.open_job(earlier.job_id) as job:
                    if job.snapshot is None:
                        return _by_hashes(
                            earlier.assets, now, f"the job {earlier.job_id} keeps no copy of the snapshot"
                        )
                    return await _compared(center, job.snapshot, now, earlier.assets)
            except (Unavailable, Refused) as error:
                activity.logger.warning("no difference is shown: %s", error)
                return _by_hashes(earlier.assets, now, f"the job {earlier.job_id} could not be read")
    except (Unavailable, Refused) as error:
        activity.logger.warning("no difference is shown: %s", error)
        return Since(unknown=UNREAD)


async def _compared(contents: Contents, before: Snapshot, now: Snapshot, judged: Mapping[str, str]) -> Since:
    there = _hashes(now)
    same = {key for key, digest in _hashes(before).items() if there.get(key) == digest}
    old, new = [await _files(contents, snapshot, same) for snapshot in (before, now)]
    found = await asyncio.to_thread(differences, old, new)
    return Since(files=[*found, *_otherwise_judged(before, judged)])


def _hashes(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    return {(asset.name, asset.role): asset.sha256 for asset in snapshot.assets if asset.sha256}


async def _files(contents: Contents, snapshot: Snapshot, same: set[tuple[str, str]]) -> list[FileText]:
    """A snapshot's files, those read whose text matters and which are not known to be the same in both; and schemas."""
    files, read = [], 0
    for asset in snapshot.assets:
        content = None
        if asset.role in DECIDING and (asset.name, asset.role) not in same and read < MOST_READ:
            content, read = await _content(contents, asset), read + 1
        files.append(await asyncio.to_thread(_file, asset, content))
    model = snapshot.model
    for side, schemas in (("Input schema", model.input_schemas), ("Output schema", model.output_schemas)):
        for fact in schema_facts(side, schemas):
            files.append(
                FileText(name=f"{side} {fact.name}".strip(), lines=[field.described() for field in fact.fields])
            )
    return files


async def _content(contents: Contents, asset: Asset) -> bytes | None:
    if not asset.ref:
        return None
    try:
        return await contents.read(asset, limit=contents.text_limit)
    except Refused:  # too large, or broken: it is told by its hash
        return None


def _file(asset: Asset, content: bytes | None) -> FileText:
    text = None if content is None else lines_of(content)
    lines = text
    if content is not None and text is not None:
        if asset.role == AssetRole.TEST_RESULT_COMPARATOR:
            lines = _table_lines(content) or text
        elif asset.role == AssetRole.MODEL_SCHEMA:
            lines = _schema_lines(content) or text
    return FileText(
        name=asset.name,
        role=asset.role,
        sha256=asset.sha256 or "",
        size=asset.size,
        lines=lines,
        text=None if lines is text else text,
    )


def _table_lines(content: bytes) -> list[str] | None:
    """Decision tables as people read them; None if they can't be read."""
    try:
        tables = mlc.dmn.outline(content)
    except (mlc.dmn.DmnError, ValueError):
        return None
    lines = []
    for table in tables:
        lines += [f'decision "{table.decision}", hit policy {table.hit_policy}']
        lines += [f"  asks for {', '.join(table.inputs)}", f"  answers {', '.join(table.outputs)}"]
        for rule in table.rules:
            lines.append(f"  if {' and '.join(table.conditions(rule)) or 'anything'}: {', '.join(table.says(rule))}")
    return [" ".join(line.splitlines()) for line in lines]


def _schema_lines(content: bytes) -> list[str] | None:
    """A schema's fields as people read them; None if it is none that they could."""
    try:
        definition = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return [field.described() for field in schema_fields(definition)] or None


def _otherwise_judged(before: Snapshot, judged: Mapping[str, str]) -> list[FileDifference]:
    """Files that were judged as they no longer were when tested, or not yet: the copy is not what was judged."""
    copies = {asset.name: asset.sha256 or "" for asset in before.assets}
    note = "It was judged in another version than the one that the test's job keeps: what it was then can't be shown."
    return [
        FileDifference(title=name, how=How.UNKNOWN, note=note)
        for name, digest in judged.items()
        if not copies.get(name, "").startswith(digest)
    ]


def _by_hashes(judged: Mapping[str, str], now: Snapshot, why: str) -> Since:
    """What can be said where nothing is kept of what was judged but the beginnings of some hashes."""
    hashes = {asset.name: asset.sha256 or "" for asset in now.assets}
    files = []
    for name, digest in judged.items():
        if name not in hashes:
            files.append(FileDifference(title=name, how=How.REMOVED))
        elif not hashes[name]:
            files.append(FileDifference(title=name, how=How.UNKNOWN, note=f"SHA-256 {digest}… before, unknown now."))
        elif not hashes[name].startswith(digest):
            note = f"SHA-256 {digest}… before, {hashes[name]} now."
            files.append(FileDifference(title=name, how=How.CHANGED, note=note))
    return Since(files=files, unknown=why)
