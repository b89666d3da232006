"""Pages where a person finds a run, by the settings. A snapshot's page the model centre knows (``page_of``)."""

from urllib.parse import quote

from mlc.settings import ProcessSettings


def run_page(workflow_id: str, namespace: str) -> str:
    """A run in the Temporal UI."""
    ui = ProcessSettings().temporal_ui.rstrip("/")
    return f"{ui}/namespaces/{quote(namespace, safe='')}/workflows/{quote(workflow_id, safe='')}"
