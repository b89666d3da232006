from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mlc.ticketing.system import SystemSettings


class TrackerSettings(SystemSettings):
    """The tracker."""

    model_config = SettingsConfigDict(env_prefix="MLC_TRACKER_")

    token: SecretStr | None = Field(None, description="Bearer token")
    board: str = Field("models", description="Board of every ticket")
    review_tag: str | None = Field("tracked", description="Tag that asks for a review there")
    timeout: float = Field(10, description="Seconds for one request")
