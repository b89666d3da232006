"""Pages where a person finds a run or a snapshot, by the settings."""

from urllib.parse import quote

from mlc.center.modelop.settings import CenterSettings
from mlc.settings import ProcessSettings


def run_page(workflow_id: str, namespace: str) -> str:
    """A run in the Temporal UI."""
    ui = ProcessSettings().temporal_ui.rstrip("/")
    return f"{ui}/namespaces/{quote(namespace, safe='')}/workflows/{quote(workflow_id, safe='')}"


def snapshot_page(snapshot_id: str) -> str:
    """A snapshot in the model centre; empty if the centre's pages have no known address."""
    settings = CenterSettings()
    page = settings.snapshot_page.format(snapshot_id=quote(snapshot_id, safe=""))
    return settings.browse_url.rstrip("/") + page if settings.browse_url else ""
