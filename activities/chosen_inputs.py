"""Which of a snapshot's assets are the data of a job: the one place where it is chosen among several of a role."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from temporalio.exceptions import ApplicationError

from activities.arity import Arity, NotClear, arity
from activities.failures import non_retryable
from mlc.center import Contents
from mlc.model.asset import Asset, AssetRole, AssetUse
from mlc.model.failure import FailureType, Refused, TooLarge
from mlc.model.job import JobKind, JobRecord
from mlc.model.monitor_plan import remedy
from mlc.model.snapshot import Model, Snapshot
from mlc.model.truncation import truncate

INPUT_ROLES = {JobKind.TRAINING: AssetRole.TRAINING_DATA, JobKind.METRICS: AssetRole.TEST_DATA}
"""Which assets of the snapshot a job reads that is given no files."""
_PURPOSES = {JobKind.TRAINING: "train", JobKind.METRICS: "metrics"}
_SHOWN = 5
_OF_LISTS = frozenset({"PYSPARK"})
"""Types of models whose functions take all inputs in one list."""


async def chosen_inputs(contents: Contents, snapshot: Snapshot, kind: JobKind, limit: int) -> list[Asset]:
    """What a job of this kind reads of a snapshot that is open, if it is given no files.

    Of several assets those that the model names; else as many as its function takes: those with the role's own name
    (``test_data.json``) if they are so many, or the first ones.

    Args:
        limit: bytes of the model's source that are read.

    Raises:
        ApplicationError: ``MissingAsset`` if there is none, or it is not clear which of several are meant.
    """
    role = INPUT_ROLES[kind]
    there = snapshot.with_role(role)
    if not there:
        raise non_retryable(
            FailureType.MISSING_ASSET,
            f"Snapshot {snapshot.name!r} has no asset with the role {role}. {_misspelt(snapshot, role)}"
            "Add one and try again.",
        )
    found = _candidates(snapshot, there)
    if len(found) == 1:
        return found
    try:
        named = _named(snapshot, role)
    except NotClear as problem:
        raise _unclear(found, role, str(problem)) from None
    if not named and snapshot.model.type.upper() in _OF_LISTS:
        return found
    try:
        takes = await _arity(contents, snapshot, kind, limit)
    except NotClear as problem:
        if named:
            return named
        raise _unclear(found, role, f"how many the {_PURPOSES[kind]} function takes is not clear: {problem}") from None
    return _named_that_fit(named, takes, found, kind) if named else _first(found, takes, kind)


def chosen_monitor_inputs(snapshot: Snapshot, monitor: Model) -> list[Asset]:
    """What a monitor reads of a snapshot: for each role that it needs one asset, in their order.

    Of several assets those that the monitor or the model names, if they do.

    Raises:
        NotClear: for a role there are fewer than it needs, or the same name is told of several.
    """
    left = {role: _preferred(snapshot, role, monitor) for role in monitor.required_roles}
    for role, times in Counter(monitor.required_roles).items():
        if len(left[role]) < times:
            made = "" if left[role] else remedy([role], snapshot.id)
            raise NotClear(
                f"the snapshot has {len(left[role])} assets with the role {role} to choose, not {times}{made}"
            )
        left[role] = _with_the_roles_name_first(left[role], role, times)
        _all_told_apart(left[role], times)
    return [left[role].pop(0) for role in monitor.required_roles]


def watched_inputs(snapshot: Snapshot, name: str, monitor: Model) -> list[Asset]:
    """What the monitor of a name reads that is on a snapshot: of each role that it needs the asset that was set on it
    for that, else the one that it would be given if it were added now.

    Raises:
        ApplicationError: ``MissingAsset``: it isn't on the snapshot, there is no such asset, or it isn't clear which.
    """
    on_it = [each for each in snapshot.monitors if each.watches and each.name == name]
    if len(on_it) != 1:
        there = _listed_names([each.name for each in snapshot.monitors if each.watches])
        many = f"{len(on_it)} monitors" if on_it else "no monitor"
        raise non_retryable(
            FailureType.MISSING_ASSET, f"Snapshot {snapshot.name!r} has {many} of the name {name!r}. It has {there}."
        )
    if set(monitor.required_roles) <= {asset.role for asset in on_it[0].assets}:
        snapshot = snapshot.model_copy(update={"assets": on_it[0].assets})
    try:
        return chosen_monitor_inputs(snapshot, monitor)
    except NotClear as problem:
        raise non_retryable(
            FailureType.MISSING_ASSET, f"The monitor {name!r} can't run on {snapshot.name!r}: {problem}."
        ) from None


def choice(job: JobRecord) -> str:
    """Which of several assets of the snapshot a job reads, and why, in a sentence or two; empty if it had no choice."""
    role, snapshot = INPUT_ROLES.get(job.kind), job.snapshot
    if role is None or snapshot is None or not job.inputs:
        return ""
    found = snapshot.with_role(role)
    read = [_identity(asset) for asset in job.inputs]
    if not set(read) <= {_identity(asset) for asset in found}:
        return ""  # it was given files of its own
    said = _misspelt(snapshot, role)
    if len(found) > 1:
        try:
            named = _named(snapshot, role)
        except NotClear:
            named = []
        out = [asset for asset in found if _identity(asset) not in read]
        why = f"as many as its {_PURPOSES[job.kind]} function takes"
        if named:
            why = "which the model names"
        elif out and all(_has_the_roles_name(asset, role) for asset in job.inputs):
            why += ", by the role's own name"
        rest = f"; left out: {_listed(out)}" if out else ""
        said = f"Of {len(found)} assets with the role {role} the job read {_listed(job.inputs)}, {why}{rest}. {said}"
    elif wanted := _not_there(snapshot, role):
        said = f"The model names {wanted[0]!r}, which the snapshot lacks: the job read {_listed(found)}. {said}"
    return truncate(said.strip(), 600)


def left_out(snapshot: Snapshot, used: Sequence[Asset]) -> str:
    """Which of several assets of a role a monitor reads and which it does not, without a full stop; empty if all."""
    said = []
    for role in dict.fromkeys(asset.role for asset in used):
        out = [asset for asset in snapshot.with_role(role) if asset not in used]
        if out:
            taken = [asset for asset in used if asset.role == role]
            said.append(f"of {role} {_listed(taken)} is read, left out: {_listed(out)}")
    return f"Chosen for monitors, {'; '.join(said)}" if said else ""


def shown_names(names: Sequence[str]) -> list[str]:
    """The first few names of files, as a history keeps them."""
    more = len(names) - _SHOWN
    return [truncate(name, 60) for name in names[:_SHOWN]] + ([f"{more} more"] if more > 0 else [])


def _named(snapshot: Snapshot, role: str) -> list[Asset]:
    """The assets of a role that the model names, or that the centre says are inputs; none if neither is told.

    Raises:
        NotClear: one is named that is not there, or there twice.
    """
    found = snapshot.with_role(role)
    wanted = _wanted(snapshot, role)
    if wanted:
        if lacking := _not_there(snapshot, role):
            raise NotClear(f"the model names {lacking[0]!r}, which is none of them")
        matching = Counter(asset.name for asset in found)
        if twice := [name for name in wanted if matching[name] > wanted.count(name)]:
            raise NotClear(f"the model names {twice[0]!r}, and several have that name")
        order = {name: number for number, name in reversed(list(enumerate(wanted)))}
        return sorted((asset for asset in found if asset.name in order), key=lambda asset: order[asset.name])
    return [asset for asset in found if asset.use is AssetUse.INPUT]


def _wanted(snapshot: Snapshot, role: str) -> list[str]:
    required = snapshot.model.required_assets
    return [asset.name for asset in required if asset.role == role and asset.use is not AssetUse.ADDITIONAL]


def _not_there(snapshot: Snapshot, role: str) -> list[str]:
    names = {asset.name for asset in snapshot.with_role(role)}
    return [name for name in _wanted(snapshot, role) if name not in names]


def _candidates(snapshot: Snapshot, found: Sequence[Asset]) -> list[Asset]:
    """Without those that are said to lie beside the model, unless that is all that there is."""
    beside = {a.name for a in snapshot.model.required_assets if a.use is AssetUse.ADDITIONAL}
    inputs = [asset for asset in found if asset.use is not AssetUse.ADDITIONAL and asset.name not in beside]
    return inputs or list(found)


def _preferred(snapshot: Snapshot, role: str, monitor: Model) -> list[Asset]:
    """The assets of a role: the named ones alone, if any are."""
    found = snapshot.with_role(role)
    if len(found) < 2:
        return found
    names = {asset.name for asset in monitor.required_assets if asset.role == role}
    told = [asset for asset in found if asset.name in names]
    return told or _named(snapshot, role) or _candidates(snapshot, found)


def _named_that_fit(named: list[Asset], takes: Arity, found: Sequence[Asset], kind: JobKind) -> list[Asset]:
    if takes.least <= len(named) and (takes.most is None or len(named) <= takes.most):
        return named
    problem = f"the model names {_listed(named)}, and its {_PURPOSES[kind]} function takes {_number(takes)}"
    raise _unclear(found, INPUT_ROLES[kind], problem)


def _first(found: Sequence[Asset], takes: Arity, kind: JobKind) -> list[Asset]:
    """As many as the function takes. What an optional parameter is for is not said, so it may not be for data."""
    number = len(found) if takes.most is None else takes.least
    function = f"its {_PURPOSES[kind]} function takes {_number(takes)}"
    if not number or number > len(found) or (len(found) > takes.least and takes.most not in {None, takes.least}):
        raise _unclear(found, INPUT_ROLES[kind], function)
    ordered = _with_the_roles_name_first(found, INPUT_ROLES[kind], number)
    try:
        _all_told_apart(ordered, number)
    except NotClear as problem:
        raise _unclear(found, INPUT_ROLES[kind], f"{function}, and {problem}") from None
    return ordered[:number]


def _with_the_roles_name_first(found: Sequence[Asset], role: str, number: int) -> list[Asset]:
    """In their order, or if just so many have the role's own name, these first."""
    own = [_has_the_roles_name(asset, role) for asset in found]
    if number == len(found) or own.count(True) != number:
        return list(found)
    return [found[place] for place in sorted(range(len(found)), key=lambda place: not own[place])]


def _has_the_roles_name(asset: Asset, role: str) -> bool:
    return PurePosixPath(asset.name).stem.casefold() == role.casefold()


def _all_told_apart(found: Sequence[Asset], number: int) -> None:
    """Raises NotClear if one of the first has the name of one that would be left out."""
    out = {asset.name for asset in found[number:]}
    if twice := [asset.name for asset in found[:number] if asset.name in out]:
        raise NotClear(f"several have the name {twice[0]!r}")


async def _arity(contents: Contents, snapshot: Snapshot, kind: JobKind, limit: int) -> Arity:
    sources = [asset for asset in snapshot.with_role(AssetRole.MODEL_SOURCE) if asset.name.endswith((".py", ".py3"))]
    main = [asset for asset in sources if asset.primary] or sources
    if len(main) != 1 or not main[0].ref:
        raise NotClear("the model has no Python source whose functions are called, or several")
    purpose = _PURPOSES[kind]
    try:
        source = await contents.read(main[0], limit=limit)
    except (TooLarge, Refused):
        raise NotClear(f"the source {main[0].name!r} can't be read") from None
    return await asyncio.to_thread(arity, source, purpose, main[0].functions.get(purpose, ""))


def _unclear(found: Sequence[Asset], role: str, why: str) -> ApplicationError:
    return non_retryable(
        FailureType.MISSING_ASSET,
        f"It is not clear which of {len(found)} assets with the role {role} the job is to read ({_listed(found)}): "
        f"{why}. Name the one that is meant in the model's required assets, or give the others another role.",
    )


def _misspelt(snapshot: Snapshot, role: str) -> str:
    """A sentence about assets whose role is nearly this one, which no job reads."""
    known = {other.value for other in AssetRole}
    near = [
        asset
        for asset in snapshot.assets
        if asset.role not in known and get_close_matches(role, [asset.role.upper().replace(" ", "_")], cutoff=0.85)
    ]
    if not near:
        return ""
    roles = ", ".join(repr(truncate(asset.role, 40)) for asset in near[:_SHOWN])
    return f"Assets with a role like {role} ({_listed(near)}: {roles}) are not {role} and were not read. "


def _identity(asset: Asset) -> tuple[str, str, str | None]:
    return asset.name, asset.role, asset.address


def _number(takes: Arity) -> str:
    if takes.most is None:
        return f"{takes.least} or more"
    return str(takes.most) if takes.least == takes.most else f"{takes.least} to {takes.most}"


def _listed(assets: Sequence[Asset]) -> str:
    return _listed_names([asset.name for asset in assets])


def _listed_names(names: Sequence[str]) -> str:
    return ", ".join(shown_names(names)) or "none"
