"""Which runtimes suit a snapshot: by pinning, stage, platform and service tags."""

from collections.abc import Iterable

from activities.snapshots import stage_of
from mlc.center import wire
from mlc.model.deployment import DeploymentMode
from mlc.settings import ProcessSettings


def matching(
    snapshot: wire.DeployableModel,
    engines: Iterable[wire.Engine],
    settings: ProcessSettings,
    review_tags: Iterable[str],
    *,
    target: str | None = None,
) -> list[wire.Engine]:
    """The runtimes that suit a snapshot, or its deployment at the stage ``target``.

    Those that the snapshot pins in ``targetRuntimes``, if it pins any. Else those of its stage whose platforms include
    the model's type and whose service tags, if they have any, include one of the snapshot's.
    """
    if snapshot.target_runtimes:
        pinned = {name for engine in snapshot.target_runtimes for name in (engine.id, engine.name) if name}
        return [engine for engine in engines if engine.id in pinned or engine.name in pinned]
    control = control_tags(settings, review_tags)
    stage = canonical_stage(target or stage_of(snapshot), settings)
    if stage == "unassigned":
        return []
    wanted = set(snapshot.meta_data.tags) - control
    platform = snapshot.stored_model.model_meta_data.type.casefold()
    return [
        engine
        for engine in engines
        if stage in _stages(engine, settings)
        and (not (covered := platforms(engine)) or any(platform.startswith(name) for name in covered))
        and (not (service := service_tags(engine, settings, control)) or service & wanted)
    ]


def platforms(engine: wire.Engine) -> list[str]:
    """What a runtime can run, such as ``python``; none: everything. A platform without a version is one it lacks."""
    return sorted(name.casefold() for name, version in engine.platform.items() if version is not None)


def service_tags(engine: wire.Engine, settings: ProcessSettings, control: set[str]) -> set[str]:
    """A runtime's tags that are neither names of stages nor control tags: which models it is meant for."""
    stages = stage_names(settings)
    own = canonical_stage(engine.environment_name or "unassigned", settings)
    meant = set(engine.tags) - control
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


def _stages(engine: wire.Engine, settings: ProcessSettings) -> set[str]:
    return {canonical_stage(name, settings) for name in (engine.environment_name or "unassigned", *engine.tags)}


def mode_of(engine: wire.Engine) -> DeploymentMode:
    return DeploymentMode.ONLINE if engine.input_endpoints or engine.output_endpoints else DeploymentMode.BATCH


def looked_for(snapshot: wire.DeployableModel, target: str | None = None) -> str:
    """What ``matching`` went by."""
    if snapshot.target_runtimes:
        return f"it is pinned to {', '.join(engine.name or engine.id or '?' for engine in snapshot.target_runtimes)}"
    model_type = snapshot.stored_model.model_meta_data.type
    return f"stage {target or stage_of(snapshot)!r}, model type {model_type}, tags {snapshot.meta_data.tags}"


def described(engine: wire.Engine) -> str:
    platform = f", platform {' '.join(platforms(engine))}" if engine.platform else ""
    return f"{engine.name} (stage {engine.environment_name or 'unassigned'}, tags {engine.tags}{platform})"
