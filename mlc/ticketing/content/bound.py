"""What an approval binds: the files by their hashes, the ones that matter most first."""

from collections.abc import Sequence

from mlc.model.asset import AssetRole
from mlc.ticketing.content.evidence import BoundFact
from mlc.ticketing.port import Section, Table
from mlc.ticketing.text import clipped

HASH_SHOWN = 12
MOST_LOOSE = 5
FIRST: list[str] = [
    AssetRole.MODEL_SOURCE,
    AssetRole.WEIGHTS_FILE,
    AssetRole.TEST_RESULT_COMPARATOR,
    AssetRole.TEST_DATA,
    AssetRole.TRAINING_DATA,
]
NO_CONTENT = "not its content"


def bound_section(digest: str, files: Sequence[BoundFact], *, most: int, longest: int) -> list[Section]:
    """What an approval is about. Nothing if nothing is bound."""
    if not digest:
        return []
    said = [
        "An approval holds for these files, schemas and this test result alone: if any of them changes before the "
        "model is deployed, it is asked anew.",
        f"SHA-256 over all {len(files) or 'of them'}: {digest}",
    ]
    loose = [file.name for file in files if not file.by_content]
    if loose:
        named = ", ".join(clipped(name, longest) for name in loose[:MOST_LOOSE])
        more = f" and {len(loose) - MOST_LOOSE} more" if len(loose) > MOST_LOOSE else ""
        loosely = "Bound by address and size only, since the model centre doesn't hold what is there"
        said.append(f"{loosely}: {named}{more}.")
    shown = sorted(files, key=lambda file: FIRST.index(file.role) if file.role in FIRST else len(FIRST))[:most]
    if len(shown) < len(files):
        said.append(f"{len(shown)} of {len(files)} are shown; the decision record in the model centre has all of them.")
    rows = [
        [clipped(f.name, longest), f.role, f.sha256[:HASH_SHOWN] if f.by_content and f.sha256 else NO_CONTENT]
        for f in shown
    ]
    table = Table(header=["File", "Role", "SHA-256"], rows=rows) if rows else None
    return [Section(heading="What is approved", paragraphs=said, table=table)]
