"""Assets: what ModelOp calls one, as ours and back."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from mlc.center.modelop import literals, wire
from mlc.center.modelop.settings import CenterSettings
from mlc.model.asset import UNNAMED, Asset, AssetKind, RequiredAsset

Refer = Callable[[wire.Entity], str]
"""Gives what was read a reference, by which its contents are found again."""
_SHA256 = "SHA256"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEPT = frozenset({literals.FILE, literals.SOURCE_CODE})
"""Types of assets whose contents a centre keeps."""
_PATTERN = re.compile(r"[*+?\[\](){}|\\^$]")


def unreferred(_: wire.Entity) -> str:
    """For what is read without its contents."""
    return ""


def read_asset(asset: wire.Asset, settings: CenterSettings, refer: Refer = unreferred) -> Asset:
    functions = {
        "init": asset.init_function,
        "score": asset.score_function,
        "metrics": asset.metrics_function,
        "train": wire.value(asset, settings.train_function_field),
    }
    return Asset(
        name=asset.filename or asset.name or _name_in(asset.file_url),
        role=asset.asset_role,
        kind=literals.asset_kind(asset.asset_type),
        type_name=asset.asset_type,
        usage=asset.usage or "",
        use=literals.asset_use(asset.usage),
        format=asset.file_format or "",
        size=asset.file_size,
        sha256=_sha256(asset.content_hash),
        address=asset.file_url,
        primary=bool(asset.primary_model_source),
        functions={purpose: name for purpose, name in functions.items() if isinstance(name, str) and name},
        ref=refer(asset) if holds_content(asset) or refers(asset, settings) else "",
    )


def read_assets(assets: Iterable[wire.Asset], settings: CenterSettings, refer: Refer = unreferred) -> list[Asset]:
    return [read_asset(asset, settings, refer) for asset in assets]


def read_required(assets: Iterable[dict[str, Any]]) -> Iterator[RequiredAsset]:
    """The required assets that name a file. A ``name`` may be the role instead, or a pattern of files' names."""
    for asset in assets:
        role, name = str(asset.get("assetRole") or ""), asset.get("filename") or asset.get("name")
        if isinstance(name, str) and name and name != role and not _PATTERN.search(name):
            yield RequiredAsset(role=role, name=name, use=literals.asset_use(asset.get("usage")))


def written_required(roles: Iterable[str], named: Iterable[RequiredAsset]) -> Iterator[dict[str, Any]]:
    """One entry for each role, with the file's name where the model tells one."""
    left = list(named)
    for role in roles:
        asset = next((asset for asset in left if asset.role == role), None)
        if asset is None:
            yield {"usage": literals.INPUT_ASSET, "assetRole": role, "name": role}
            continue
        left.remove(asset)
        usage = literals.asset_usage(asset.use)
        known = {} if usage is None else {"usage": usage}
        yield {**known, "assetRole": role, "name": asset.name, "filename": asset.name}


def holds_content(asset: wire.Asset) -> bool:
    return asset.file_content is not None or asset.source_code is not None


def refers(asset: wire.Asset, settings: CenterSettings) -> bool:
    """Whether a file's content can be fetched by its SHA-256, where contents go by reference."""
    known = settings.contents == "reference" and not asset.file_url and asset.asset_type in _KEPT
    return known and _DIGEST.fullmatch(_sha256(asset.content_hash) or "") is not None


def new_asset(asset: Asset, settings: CenterSettings) -> wire.Asset:
    """An asset that the centre doesn't have yet, without content."""
    fields: dict[str, Any] = {
        "name": asset.name,
        "filename": asset.name,
        "asset_type": literals.asset_type(asset.kind),
        "asset_role": asset.role,
    }
    if asset.kind is AssetKind.SOURCE:
        fields["primary_model_source"] = asset.primary
        names = {"init": "initFunction", "score": "scoreFunction", "metrics": "metricsFunction"}
        names["train"] = settings.train_function_field
        fields |= {names[purpose]: function for purpose, function in asset.functions.items() if purpose in names}
    optional: dict[str, Any] = {
        "usage": asset.usage or None,
        "file_format": asset.format or None,
        "file_size": asset.size,
        "file_url": asset.address,
        "content_hash": wire.ContentHash(hash_type="SHA-256", hex_string=asset.sha256) if asset.sha256 else None,
    }
    return wire.Asset(**fields, **{name: value for name, value in optional.items() if value is not None})


def changed_asset(original: wire.Asset, asset: Asset, settings: CenterSettings) -> wire.Asset:
    """The centre's asset with what our side has changed on it; all else stays, known or not."""
    before = read_asset(original, settings)
    changes: dict[str, Any] = {
        field: getattr(asset, ours)
        for field, ours in (("filename", "name"), ("asset_role", "role"), ("usage", "usage"), ("file_format", "format"))
        if getattr(asset, ours) != getattr(before, ours)
    }
    if asset.size is not None and asset.size != before.size:
        changes["file_size"] = asset.size
    if asset.sha256 is not None and asset.sha256 != before.sha256:
        changes["content_hash"] = wire.ContentHash(hash_type="SHA-256", hex_string=asset.sha256)
    return original.model_copy(update=changes)


def _sha256(known: wire.ContentHash | None) -> str | None:
    if known is None or known.hash_type.upper().replace("-", "") != _SHA256:
        return None
    return known.hex_string.lower() or None


def _name_in(address: str | None) -> str:
    try:
        return PurePosixPath(unquote(urlsplit(address or "").path)).name or UNNAMED
    except ValueError:
        return UNNAMED
