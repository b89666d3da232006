"""What changed between two snapshots of a model, as a reviewer wants to see it."""

from collections.abc import Iterable

from mlc.model.base import Record

SHOWN_DIGITS = 12
NOTHING = "-"


class AssetFact(Record):
    """An asset as a reviewer compares it. ``sha256`` is hexadecimal, empty if nobody knows it."""

    name: str
    role: str
    sha256: str = ""


class ModelCard(Record):
    """A snapshot's core information, in plain texts. ``metadata`` is whatever else is worth telling and comparing."""

    snapshot_id: str
    snapshot_name: str = ""
    model_name: str = ""
    owner: str = ""
    stage: str = ""
    methodology: str = ""
    risk: str = ""
    description: str = ""
    created: str = ""
    git_repository: str = ""
    git_commit: str = ""
    assets: list[AssetFact] = []
    metadata: dict[str, str] = {}

    def facts(self) -> list[tuple[str, str]]:
        """Names and values, without those that are empty."""
        named = self.snapshot_name and self.snapshot_name != self.snapshot_id
        facts = [
            ("Model", self.model_name),
            ("Snapshot", f"{self.snapshot_name} ({self.snapshot_id})" if named else self.snapshot_id),
            ("Created", self.created),
            ("Owner", self.owner),
            ("Stage", self.stage),
            ("Methodology", self.methodology),
            ("Risk", self.risk),
            ("Description", self.description),
            ("Git repository", self.git_repository),
            ("Git commit", self.git_commit),
            *self.metadata.items(),
        ]
        return [(name, value) for name, value in facts if value]


class Change(Record):
    """One difference: what, and its value in the snapshot before and in this one."""

    what: str
    before: str
    now: str


def changes(before: ModelCard, now: ModelCard) -> list[Change]:
    """All differences: git commit and facts first, then assets by name and role, compared by their hashes."""
    return [*_fact_changes(before, now), *_asset_changes(before.assets, now.assets)]


def _fact_changes(before: ModelCard, now: ModelCard) -> Iterable[Change]:
    passing = {"Model", "Snapshot", "Created"}
    old, new = dict(before.facts()), dict(now.facts())
    order = ["Git commit", *(name for name in [*new, *old] if name != "Git commit")]
    for name in dict.fromkeys(order):
        if name not in passing and old.get(name) != new.get(name):
            longest = SHOWN_DIGITS if name == "Git commit" else None
            yield Change(what=name, before=old.get(name, NOTHING)[:longest], now=new.get(name, NOTHING)[:longest])


def _asset_changes(before: list[AssetFact], now: list[AssetFact]) -> Iterable[Change]:
    old = {(asset.name, asset.role): asset for asset in before}
    new = {(asset.name, asset.role): asset for asset in now}
    for name, role in sorted(old.keys() | new.keys()):
        was, is_ = old.get((name, role)), new.get((name, role))
        # Two assets that nobody hashed may differ: they are shown rather than taken for equal.
        if was and is_ and was.sha256 == is_.sha256 and was.sha256:
            continue
        yield Change(what=f"Asset {name} ({role})", before=_hash(was), now=_hash(is_))


def _hash(asset: AssetFact | None) -> str:
    if asset is None:
        return NOTHING
    return f"SHA-256 {asset.sha256[:SHOWN_DIGITS]}" if asset.sha256 else "no hash known"
