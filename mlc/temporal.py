"""The one way to Temporal: as the ``temporal`` CLI goes it (``temporal.toml``, ``TEMPORAL_*``)."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.service import RPCError, RPCStatusCode

from mlc.model.failure import MlcError
from mlc.settings import RunJobSettings

USUAL_ADDRESS = "localhost:7233"
"""Where Temporal is if nobody says so."""
_LOOK_TIMEOUT = timedelta(seconds=10)


class NoNamespace(MlcError):
    """Temporal has no namespace of the name that a setting gives. The text says which, and what to do."""


def build_id() -> str:
    """By which Temporal tells whose worker has done something: the release.

    A worker that is told none makes a hash of all code that is loaded, which takes a sixth of the time of its start.
    """
    try:
        return f"mlc {version('mlc-temporal')}"
    except PackageNotFoundError:  # it runs from its source
        return "mlc"


async def connect(*, lazy: bool = False, plugins: Sequence[SimplePlugin] = (), namespace: str | None = None) -> Client:
    """Connect to the Temporal that the environment names.

    Args:
        namespace: another one than the environment names.
        lazy: connect at the first call instead, which then raises; so nothing here needs a network.
        plugins: what worker and client must agree on, for processes that run workflows.

    Raises:
        RuntimeError: it can't be reached, or its settings can't be read.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", USUAL_ADDRESS)
    if namespace is not None:
        config["namespace"] = namespace
    return await Client.connect(**config, lazy=lazy, plugins=list(plugins), data_converter=pydantic_data_converter)


async def connect_for_jobs() -> Client:
    """Connect to the namespace in which jobs are run, as whoever starts them and whoever runs them must.

    Raises:
        NoNamespace: it isn't there. To a client that may not see whether it is, that is no reason.
        RuntimeError: Temporal can't be reached, or its settings can't be read.
    """
    namespace = RunJobSettings().namespace
    client = await connect(namespace=namespace)
    if namespace is not None:
        await _require_namespace(client)
    return client


async def _require_namespace(client: Client) -> None:
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        await client.workflow_service.describe_namespace(request, timeout=_LOOK_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            where = f"Temporal at {client.service_client.config.target_host} has no namespace {client.namespace}"
            remedy = "correct MLC_RUN_JOB_NAMESPACE, which centre and runtimes have alike, or run `mlc setup`."
            raise NoNamespace(f"{where}: {remedy}") from None


async def connect_at(address: str, *, namespace: str = "default") -> Client:
    """A lazy client of the server at ``host:port``, whatever the user's own settings say: none of them is read."""
    return await Client.connect(address, namespace=namespace, lazy=True, data_converter=pydantic_data_converter)


def configured_address() -> str | None:
    """The address that the user has set, in the environment or in a file; None: none.

    Raises:
        RuntimeError: the settings can't be read. Its text may hold what the file does, such as a key: don't show it.
    """
    return ClientConfig.load_client_connect_config().get("target_host")
