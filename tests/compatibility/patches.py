"""Patches: each ``workflow.patched`` id is proven by saved histories, and lives for two releases at least."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.compatibility.histories import History
from tests.compatibility.releases import Release

WORKFLOWS = Path("workflows")
PATCHED, DEPRECATED = "patched", "deprecate_patch"
SINCE = "since"
"""The project's own way of asking (``workflows/steps/patches.py``), whose calls write the id out."""
RELEASES_BEFORE_DEPRECATION = 2


@dataclass(frozen=True)
class Call:
    """A call of ``workflow.patched`` or ``workflow.deprecate_patch`` in the source, and the line where it stands."""

    kind: str
    patch: str
    place: str


def calls(root: Path) -> list[Call]:
    """Every patch in the workflows' source, also those that are asked for with ``since``.

    Raises:
        ValueError: one whose id isn't written out, or a reference to one of these functions that isn't a call.
    """
    found: list[Call] = []
    for file in sorted((root / WORKFLOWS).rglob("*.py")):
        found += calls_in(file.read_text(), file.relative_to(root).as_posix())
    return found


def calls_in(source: str, place: str) -> Iterator[Call]:
    """The patches in one file's text; ``place`` is its name.

    Raises:
        ValueError: as ``calls``.
    """
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    own = {id(node) for each in tree.body if _is_since(each) for node in ast.walk(each)}
    for node in (node for node in ast.walk(tree) if id(node) not in own):
        line = f"{place}, line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and (kind := _kind(node.func)) is not None:
            yield Call(kind, _id(node, line), line)
        elif isinstance(node, ast.expr) and _kind(node) is not None and id(node) not in called:
            raise ValueError(f"{line}: call {_kind(node)} where it stands, so that its id can be found")
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                if name.name in {PATCHED, DEPRECATED, SINCE} and name.asname not in {None, name.name}:
                    raise ValueError(f"{line}: {name.name} must not get another name")


def _kind(function: ast.expr) -> str | None:
    match function:
        case ast.Name(id=name) if name == SINCE:
            return PATCHED
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in {PATCHED, DEPRECATED}:
            return name
    return None


def _is_since(node: ast.stmt) -> bool:
    """Its definition, where no id is written out: each of its calls has one."""
    return isinstance(node, ast.FunctionDef) and node.name == SINCE


def _id(node: ast.Call, line: str) -> str:
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "id")]
    match given:
        case [ast.Constant(value=str() as id_)] if id_:
            return id_
    raise ValueError(f"{line}: a patch's id is one text, written out where it is used")


def problems(found: Sequence[Call], saved: Sequence[History], released: Sequence[Release]) -> Iterator[str]:
    """What the patches in the source lack, each a sentence."""
    for patch in dict.fromkeys(call.patch for call in found):
        of_it = [call for call in found if call.patch == patch]
        kinds = {call.kind for call in of_it}
        if len(kinds) > 1:
            yield f"The patch {patch!r} is both in use and deprecated: {', '.join(call.place for call in of_it)}."
            continue
        if (lack := _unproven(patch, saved)) is not None:
            yield f"{of_it[0].place}: {lack}"
        elif kinds == {DEPRECATED} and (early := _early(patch, saved, released)) is not None:
            yield f"{of_it[0].place}: {early}"


def _unproven(patch: str, saved: Sequence[History]) -> str | None:
    with_it = [history for history in saved if patch in history.patches]
    if not with_it:
        return f"no saved history holds the marker of the patch {patch!r}: save one (--save-histories)."
    for history in with_it:
        if any(_before(other, history, patch) for other in saved):
            return None
    types = " or ".join(sorted({history.workflow for history in with_it}))
    return f"no saved history of {types} is from before the patch {patch!r}: save one with the code as it was."


def _before(other: History, history: History, patch: str) -> bool:
    return other.workflow == history.workflow and other.version <= history.version and patch not in other.patches


def _early(patch: str, saved: Iterable[History], released: Sequence[Release]) -> str | None:
    first = min(history.version for history in saved if patch in history.patches)
    since = [release for release in released if release.version >= first]
    if len(since) >= RELEASES_BEFORE_DEPRECATION:
        return None
    return (
        f"the patch {patch!r} came with {first} and is deprecated after {len(since)} releases, not "
        f"{RELEASES_BEFORE_DEPRECATION}: runs from before it may still be open."
    )


def outgrown(history: History, found: Sequence[Call], saved: Sequence[History]) -> str | None:
    """The deprecated patch that a history is from before, if there is one: it can't replay any more, and need not."""
    for call in found:
        if call.kind == DEPRECATED and call.patch not in history.patches:
            with_it = [other for other in saved if other.workflow == history.workflow and call.patch in other.patches]
            if with_it and history.version < min(other.version for other in with_it):
                return call.patch
    return None
