"""What a governance policy goes by: the facts about a snapshot, and about where it would be deployed."""

from collections.abc import Iterable, Iterator, Sequence

from activities.matching import canonical_stage, matching, stage_names
from mlc.governance import Facts
from mlc.model.deployment import Runtime
from mlc.model.snapshot import Snapshot
from mlc.settings import ProcessSettings


def facts_of(
    snapshot: Snapshot, runtimes: Sequence[Runtime], settings: ProcessSettings, review_tags: Iterable[str]
) -> Facts:
    """The facts about a snapshot; None in each stands for what is missing.

    Stages are its own and those of each runtime that it would be deployed to, by one name each. A pinned runtime that
    isn't there has a stage that nobody knows.

    Args:
        runtimes: all of the centre's.
        review_tags: those that ask for a review in one ticket system.
    """
    suiting = matching(snapshot, runtimes, settings, review_tags)
    stages = [_known(snapshot.stage, settings)]
    stages += [stage for runtime in suiting for stage in _stages(runtime, settings)]
    there = {name for runtime in suiting for name in (runtime.id, runtime.name) if name}
    if not all({pinned.id, pinned.name} & there for pinned in snapshot.target_runtimes):
        stages.append(None)
    model = snapshot.model
    return Facts(
        stage=list(dict.fromkeys(stages)),
        risk=[model.risk.strip() or None],
        methodology=[model.methodology.strip() or None],
        group=[model.group.strip() or None],
    )


def _stages(runtime: Runtime, settings: ProcessSettings) -> Iterator[str | None]:
    """All stages that a runtime belongs to, by what the centre says and by its tags; None if that is none."""
    names = stage_names(settings)
    tagged = [names[tag.casefold()] for tag in runtime.tags if tag.casefold() in names]
    if runtime.stage or not tagged:
        yield _known(runtime.stage, settings)
    yield from tagged


def _known(stage: str, settings: ProcessSettings) -> str | None:
    name = canonical_stage(stage.strip(), settings)
    return None if name in {"", "unassigned"} else name
