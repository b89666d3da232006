"""The state of a deployment: read and written in one place, since ModelOp's field and literals are settings."""

from enum import StrEnum
from typing import Any

from mlc.center.wire import DeployedModel
from mlc.settings import CenterSettings


class DeploymentState(StrEnum):
    """What the processes distinguish, whatever the centre calls it."""

    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    UNDEPLOYED = "undeployed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A literal that no setting names."""


class DeploymentStates:
    """Translates between :class:`DeploymentState` and the centre's field and literals."""

    def __init__(self, settings: CenterSettings) -> None:
        self._field = settings.state_field
        self._literals = {
            DeploymentState.DEPLOYING: settings.deploying_state,
            DeploymentState.DEPLOYED: settings.deployed_state,
            DeploymentState.UNDEPLOYED: settings.undeployed_state,
            DeploymentState.FAILED: settings.failed_state,
        }

    def literal(self, deployment: DeployedModel) -> str:
        """What the centre itself calls the state; empty if it says nothing."""
        return str((deployment.model_extra or {}).get(self._field) or "")

    def read(self, deployment: DeployedModel) -> DeploymentState:
        literal = self.literal(deployment).casefold()
        return next((s for s, known in self._literals.items() if known.casefold() == literal), DeploymentState.UNKNOWN)

    def change(self, state: DeploymentState) -> dict[str, Any]:
        """The changes that put a deployment into ``state``, for ``patch_deployment``."""
        return {self._field: self._literals[state]}
