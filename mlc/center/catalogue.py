"""What the processes need of a catalogue of models: models, snapshots and what their files contain."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from mlc.center.capability import Capability
from mlc.model.asset import Asset
from mlc.model.job import JobRecord
from mlc.model.snapshot import Model, RuntimeName, Snapshot


class NewFile(NamedTuple):
    """A file to be put into the centre: what it is, and where its bytes are now; None: at the asset's address."""

    asset: Asset
    path: Path | None


class Contents(Protocol):
    """What files contain. Data and artefacts are streamed; text that is judged or shown is read with a limit.

    An asset's content can be had while its owner is open: see ``open_snapshot``, ``open_job``, ``open_deployment`` and
    ``open_file``.
    """

    @property
    def text_limit(self) -> int:
        """Bytes of a text that is read whole, since it is judged or shown: a setting."""
        ...

    async def read(self, asset: Asset, *, limit: int) -> bytes:
        """The whole content.

        Args:
            limit: bytes; ``text_limit`` for text.

        Raises:
            TooLarge: it is longer.
            Refused: the asset holds no content, its owner is closed, or what it holds is broken (not base64).
        """
        ...

    def stream(self, asset: Asset, *, start: int = 0) -> AsyncGenerator[bytes]:
        """The content from a byte on, in pieces of at most a megabyte; raises as ``read`` does, but for its length.

        Who stops before its end closes it.
        """
        ...

    def keeps_by_hash(self, asset: Asset) -> bool:
        """Whether the centre finds this content by its SHA-256, and so vouches for ``asset.sha256``."""
        ...


class Catalogue(Contents, Protocol):
    """A catalogue of models. Every method raises :mod:`mlc.model.failure`'s three errors, nothing else.

    Ids of snapshots and models are opaque texts that the adapter makes and reads: letters, digits and ``-._~`` only,
    so that they are safe in workflow ids and addresses whatever a model is called. All verbs can be repeated.
    """

    @property
    def capabilities(self) -> Collection[Capability]: ...

    async def get_snapshot(self, snapshot_id: str) -> Snapshot:
        """The snapshot, without the contents of its files.

        Raises:
            NotFound: there is none of this id, or it can't be one.
        """
        ...

    def open_snapshot(self, snapshot_id: str) -> AbstractAsyncContextManager[Snapshot]:
        """The snapshot with its files' contents at hand for as long as the block lasts; one read of the centre.

        Verbs that need the contents take an open snapshot, so that what was looked at is what is used.
        """
        ...

    def own_id(self, snapshot_id: str) -> str:
        """The centre's own id of a snapshot, as people have written it into what they keep there.

        Raises:
            NotFound: it can't be an id.
        """
        ...

    def page_of(self, snapshot_id: str) -> str | None:
        """The address of a snapshot's page, for people; None if the centre has no pages, or nobody said where."""
        ...

    async def latest_snapshot(self, model_id: str) -> Snapshot | None:
        """The newest snapshot of a model, by creation."""
        ...

    async def find_models(self, name: str, *, monitors: bool = False) -> list[Model]:
        """Models of exactly this name, newest first; ``monitors``: only those that watch others."""
        ...

    async def save_model(self, model: Model, files: Sequence[NewFile]) -> Model:
        """Register a model, or make the one of ``model.id`` what is given, with these files and no others."""
        ...

    async def create_snapshot(
        self,
        model_id: str,
        *,
        name: str,
        tags: Sequence[str] = (),
        stage: str | None = None,
        target_runtimes: Sequence[RuntimeName] = (),
        held: bool = False,
    ) -> Snapshot:
        """A snapshot of a model as it is now; ``stage``: with another model stage than the model's.

        ``held``: standalone mode's centre tells nobody of it before its process was started by hand.
        """
        ...

    async def add_files(self, snapshot: Snapshot, files: Sequence[NewFile]) -> None:
        """Put files on an open snapshot, as a person would who repairs it: each takes the place of one of its name.

        All others stay byte for byte as they are.

        Raises:
            Unsupported: snapshots of this catalogue never change (``REPLACES_ASSETS``).
        """
        ...

    async def replace_assets(self, snapshot: Snapshot, job: JobRecord, artefacts: Sequence[Asset]) -> None:
        """Put artefacts of a job (both open) on a snapshot: each takes the place of the asset of its name.

        All others stay byte for byte as they are.

        Raises:
            Unsupported: snapshots of this catalogue never change (``REPLACES_ASSETS``).
        """
        ...
