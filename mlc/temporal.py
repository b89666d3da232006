"""The one way to Temporal: as the ``temporal`` CLI goes it (``temporal.toml``, ``TEMPORAL_*``)."""

from collections.abc import Sequence

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin

USUAL_ADDRESS = "localhost:7233"
"""Where Temporal is if nobody says so."""


async def connect(*, lazy: bool = False, plugins: Sequence[SimplePlugin] = ()) -> Client:
    """Connect to the Temporal that the environment names.

    Args:
        lazy: connect at the first call instead, which then raises; so nothing here needs a network.
        plugins: what worker and client must agree on, for processes that run workflows.

    Raises:
        RuntimeError: it can't be reached, or its settings can't be read.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", USUAL_ADDRESS)
    return await Client.connect(**config, lazy=lazy, plugins=list(plugins), data_converter=pydantic_data_converter)


async def connect_at(address: str) -> Client:
    """A lazy client of the server at ``host:port``, whatever the user's own settings say: none of them is read."""
    return await Client.connect(address, lazy=True, data_converter=pydantic_data_converter)


def configured_address() -> str | None:
    """The address that the user has set, in the environment or in a file; None: none.

    Raises:
        RuntimeError: the settings can't be read. Its text may hold what the file does, such as a key: don't show it.
    """
    return ClientConfig.load_client_connect_config().get("target_host")
