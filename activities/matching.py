"""Which runtimes suit a snapshot: by pinning, stage, platform and service tags."""

from collections.abc import Iterable, Sequence

from activities.failures import non_retryable
from mlc.model.deployment import BATCH, DeploymentMode, Runtime, RuntimeRef
from mlc.model.failure import FailureType
from mlc.model.snapshot import Snapshot
from mlc.model.truncation import truncate
from mlc.settings import ProcessSettings


def matching(
    snapshot: Snapshot,
    runtimes: Iterable[Runtime],
    settings: ProcessSettings,
    review_tags: Iterable[str],
    *,
    target: str | None = None,
) -> list[Runtime]:
    """The runtimes that suit a snapshot, or its deployment at the stage ``target``.

    Those that the snapshot pins (``target_runtimes``), if it pins any. Else those of its stage whose platforms include
    the model's type and whose service tags, if they have any, include one of the snapshot's.
    """
    if snapshot.target_runtimes:
        pinned = {name for runtime in snapshot.target_runtimes for name in (runtime.id, runtime.name) if name}
        return [runtime for runtime in runtimes if runtime.id in pinned or runtime.name in pinned]
    control = control_tags(settings, review_tags)
    stage = canonical_stage(target or snapshot.stage, settings)
    if stage == "unassigned":
        return []
    wanted = set(snapshot.tags) - control
    return [
        runtime
        for runtime in runtimes
        if stage in _stages(runtime, settings)
        and runs(runtime, snapshot.model.type)
        and (not (service := service_tags(runtime, settings, control)) or service & wanted)
    ]


def suiting(
    snapshot: Snapshot, runtimes: Sequence[Runtime], settings: ProcessSettings, review_tags: Iterable[str]
) -> list[RuntimeRef]:
    """The runtimes that suit a snapshot (see ``matching``), those that serve online first.

    Raises:
        ApplicationError: ``NoMatchingRuntime`` (final) with what was looked for and what there is.
    """
    found = matching(snapshot, runtimes, settings, review_tags)
    if not found:
        raise non_retryable(
            FailureType.NO_MATCHING_RUNTIME,
            f"No runtime matches snapshot {snapshot.name!r}: {looked_for(snapshot)}. "
            f"The centre's runtimes: {', '.join(map(described, runtimes)) or 'none at all'}.",
        )
    refs = [RuntimeRef(id=r.id, name=truncate(r.name, 100), mode=r.mode, single_model=r.single_model) for r in found]
    return sorted(refs, key=lambda ref: ref.mode is not DeploymentMode.ONLINE)


def places_of(runtimes: Iterable[RuntimeRef]) -> set[str]:
    """Where a snapshot is deployed that these suit: on each that serves online, and once as batch for all others."""
    return {runtime.id if runtime.mode is DeploymentMode.ONLINE else BATCH for runtime in runtimes}


def runs(runtime: Runtime, model_type: str) -> bool:
    """Whether a runtime's platforms cover a type of models: ``python`` covers PYTHON and PYTHON3."""
    covered = platforms(runtime)
    return not covered or any(model_type.casefold().startswith(name) for name in covered)


def not_run(model_type: str, runtimes: Sequence[Runtime]) -> str:
    """The sentence for models of a type that no runtime of the centre runs; empty if one does, or there is none."""
    if not runtimes or any(runs(runtime, model_type) for runtime in runtimes):
        return ""
    known = sorted({name for runtime in runtimes for name in platforms(runtime)})
    return (
        f"The model is of the type {model_type or 'nothing'}, which no runtime of the model centre runs: they run "
        f"{', '.join(known)}. Supported by the runtimes of this software is Python source (.py, .py3) with a comment "
        "such as # modelop.score above its functions. Give the model such a source and the type PYTHON, or add a "
        f"runtime with the platform {model_type or 'that it needs'}."
    )


def platforms(runtime: Runtime) -> list[str]:
    """What a runtime can run, such as ``python``; none: everything. A platform without a version is one it lacks."""
    return sorted(name.casefold() for name, version in runtime.platforms.items() if version is not None)


def service_tags(runtime: Runtime, settings: ProcessSettings, control: set[str]) -> set[str]:
    """A runtime's tags that are neither names of stages nor control tags: which models it is meant for."""
    stages = stage_names(settings)
    own = canonical_stage(_stage(runtime), settings)
    meant = set(runtime.tags) - control
    return {tag for tag in meant if tag.casefold() not in stages and canonical_stage(tag, settings) != own}


def control_tags(settings: ProcessSettings, review_tags: Iterable[str]) -> set[str]:
    """Tags by which a snapshot asks for steps: they say nothing of where it belongs.

    ``review_tags`` are those that ask for a review in one ticket system.
    """
    return {settings.train_tag, settings.run_test_tag, settings.review_tag, *review_tags}


def canonical_stage(stage: str, settings: ProcessSettings) -> str:
    """One name for each stage, whatever its spelling: ``Production`` and ``PROD`` are ``prod``."""
    folded = stage.casefold()
    return stage_names(settings).get(folded, folded)


def stage_names(settings: ProcessSettings) -> dict[str, str]:
    """Every name of the stages in the settings, in lower case, and the stage that it means."""
    return {
        name.casefold(): stage.casefold()
        for stage, aliases in settings.stage_aliases.items()
        for name in (stage, *aliases)
    }


def _stages(runtime: Runtime, settings: ProcessSettings) -> set[str]:
    return {canonical_stage(name, settings) for name in (_stage(runtime), *runtime.tags)}


def _stage(runtime: Runtime) -> str:
    return runtime.stage or "unassigned"


def looked_for(snapshot: Snapshot, target: str | None = None) -> str:
    """What ``matching`` went by."""
    if snapshot.target_runtimes:
        return f"it is pinned to {', '.join(runtime.name or runtime.id or '?' for runtime in snapshot.target_runtimes)}"
    return f"stage {target or snapshot.stage!r}, model type {snapshot.model.type}, tags {snapshot.tags}"


def described(runtime: Runtime) -> str:
    platform = f", platform {' '.join(platforms(runtime))}" if runtime.platforms else ""
    return f"{runtime.name} (stage {_stage(runtime)}, tags {runtime.tags}{platform})"
