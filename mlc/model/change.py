"""What changed in a model centre, for those who look again and again."""

from datetime import datetime

from mlc.model.base import Record


class OfModel(Record):
    """The model, and its snapshot, that something is about; empty where the centre doesn't say."""

    model_id: str = ""
    snapshot_id: str = ""


class Changes(Record):
    """What deployments and snapshots that changed are about, and when the last of them did, by the centre's clock.

    ``until`` is None where there is nothing at all.
    """

    until: datetime | None = None
    models: list[OfModel] = []
