"""Truth of models: kept, forgotten, and written into a file for a monitor's job."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from mlc.model.truth import KeptTruth, Truth
from mlc.standalone.center.entities import KINDS
from mlc.standalone.center.files.store import FileStore, Made, Transaction
from mlc.standalone.center.listings import can_be_found_by
from mlc.standalone.center.rows import missing
from mlc.standalone.center.tables import ENTITY
from mlc.standalone.center.truth.table import forget, is_known, keep, lines
from mlc.standalone.database.statements import in_one_moment

_MODELS = KINDS["storedModels"]


class TruthStore:
    """Blocking: call it on a thread.

    Args:
        files: where files are kept.
        write: a transaction in the centre's database that writes.
        read: one that reads.
    """

    def __init__(self, files: FileStore, *, write: Transaction, read: Transaction) -> None:
        self._files = files
        self._write = write
        self._read = read

    def keep(self, model: str, rows: Sequence[Truth]) -> KeptTruth:
        """Keep truth: all of it, or if anything goes wrong nothing.

        Raises:
            NoSuchEntity: there is no such model.
        """
        with self._write() as connection:
            _require(connection, model)
            return keep(connection, model, rows)

    def forget(self, model: str, identifier: str) -> int:
        """Forget the truth of a record; returns how many there were: 0 or 1. Raises NoSuchEntity: no such model."""
        with self._write() as connection:
            _require(connection, model)
            return forget(connection, model, identifier)

    def file(self, model: str) -> Made | None:
        """All truth of a model as CSV (``mlc.model.truth.COLUMNS``); None if there is none.

        Nothing refers to the file yet: who asked for it has the files' time of grace to do so.

        Raises:
            NoSuchEntity: there is no such model.
            NoRoom, CannotKeep: the file can't be kept.
        """
        with self._read() as connection:
            in_one_moment(connection)
            _require(connection, model, hold=False)
            if not is_known(connection, model):
                return None
            return self._files.made_of(lines(connection, model))


def _require(connection: Connection, model: str, *, hold: bool = True) -> None:
    """``hold``: it is not deleted before the end of the transaction."""
    asked = select(ENTITY.c.id).where(ENTITY.c.kind == _MODELS.plural, ENTITY.c.id == model)
    if hold:
        asked = asked.with_for_update(read=True, key_share=True)
    if not can_be_found_by(model) or connection.scalar(asked) is None:
        raise missing(_MODELS, model)
