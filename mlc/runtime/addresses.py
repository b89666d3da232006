"""The addresses under which an online runtime answers."""

import socket

from mlc.settings import RuntimeSettings


def only_model(settings: RuntimeSettings) -> str:
    """ModelOp's round trip: of the only model that the runtime serves."""
    return f"{_base(settings)}/api/roundtrip/0/1"


def deployment_address(settings: RuntimeSettings, deployment_id: str) -> str:
    """Of one deployment, for as long as it is there."""
    return f"{_base(settings)}/deployments/{deployment_id}/score"


def model_address(settings: RuntimeSettings, model_id: str) -> str:
    """Of a model, whichever of its snapshots is deployed."""
    return f"{_base(settings)}/models/{model_id}/score"


def _base(settings: RuntimeSettings) -> str:
    host = socket.gethostname() if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return f"{(settings.url or f'http://{host}:{settings.port}').rstrip('/')}/{settings.name}"
