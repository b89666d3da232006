from collections.abc import Iterator

from mlc.model.address import origin
from mlc.model.failure import ExternalError
from mlc.model.finding import Finding, good, said, wrong
from third_system.session import TrackerSession
from third_system.settings import TrackerSettings


def findings(settings: TrackerSettings) -> Iterator[Finding]:
    try:
        TrackerSession(settings).call("show the board", "GET", f"/boards/{settings.board}", lambda _: None)
    except ExternalError as error:
        yield wrong("The tracker's board can't be seen", f"{said(error)}: correct MLC_TRACKER_*.")
        return
    yield good(f"The tracker at {origin(settings.url or '')} shows the board {settings.board}")
