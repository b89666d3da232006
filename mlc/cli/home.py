"""Where a command finds its settings and its Temporal."""

import os


def use_home() -> None:
    """Let this process find the Temporal of ``mlc dev``, if the user has named none (``TEMPORAL_*``, temporal.toml)."""
    from dotenv import dotenv_values
    from temporalio.envconfig import ClientConfig

    from mlc.settings import SETTINGS_FILE, home

    address = dotenv_values(home() / SETTINGS_FILE, interpolate=False).get("TEMPORAL_ADDRESS")
    if address and "target_host" not in ClientConfig.load_client_connect_config():
        os.environ["TEMPORAL_ADDRESS"] = address
