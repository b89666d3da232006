"""The state of a deployment, read in one place: its field, and what the literals are, are settings."""

from mlc.center.wire import DeployedModel
from mlc.settings import CenterSettings


def deployment_state(deployment: DeployedModel, settings: CenterSettings) -> str:
    """What the centre calls the state (``settings.deployed_state`` and so on); empty if it says nothing."""
    return str((deployment.model_extra or {}).get(settings.state_field) or "")
