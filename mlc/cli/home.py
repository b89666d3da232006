"""Where a command finds its settings and its Temporal, and a person the command."""

import os
import shutil
import sys
from pathlib import Path


def use_home() -> None:
    """Let this process find the Temporal of ``mlc dev``, if the user has named none (``TEMPORAL_*``, temporal.toml)."""
    from dotenv import dotenv_values

    from mlc.settings.reading import settings_file
    from mlc.temporal import configured_address

    address = dotenv_values(settings_file(), interpolate=False).get("TEMPORAL_ADDRESS")
    if address and configured_address() is None:
        os.environ["TEMPORAL_ADDRESS"] = address


def center_and_token(what: str) -> tuple[str, str]:
    """Address and token of standalone mode's centre; ``what`` the token is needed for.

    Raises:
        ValueError: no token is set.
    """
    from mlc.center.modelop.settings import CenterSettings

    use_home()
    settings = CenterSettings()
    if settings.token is None:
        raise ValueError(f"MLC_CENTER_TOKEN is not set: the centre's own token is needed {what}.")
    return settings.url, settings.token.get_secret_value()


def typed() -> str:
    """What to type for ``mlc`` in this folder: the command beside this Python, where the ``PATH`` leads to none."""
    beside = Path(sys.executable).with_name("mlc")
    if shutil.which("mlc") or not beside.is_file():
        return "mlc"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)
