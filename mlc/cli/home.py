"""Where a command finds its settings and its Temporal."""

import os


def use_home() -> None:
    """Let this process find the Temporal of ``mlc dev``, if the user has named none (``TEMPORAL_*``, temporal.toml)."""
    from dotenv import dotenv_values

    from mlc.settings import SETTINGS_FILE, home
    from mlc.temporal import configured_address

    address = dotenv_values(home() / SETTINGS_FILE, interpolate=False).get("TEMPORAL_ADDRESS")
    if address and configured_address() is None:
        os.environ["TEMPORAL_ADDRESS"] = address
