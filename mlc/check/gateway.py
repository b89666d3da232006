"""The gateway: the secrets with which it knows who is calling."""

from collections.abc import AsyncIterator, Iterator, Sequence

from pydantic import SecretStr

from mlc.check.tickets import readable
from mlc.model.finding import Finding, good, warning, wrong
from mlc.settings import GatewaySettings, ProcessSettings


async def check_gateway() -> AsyncIterator[Finding]:
    """Findings about the gateway's settings."""
    settings, systems = GatewaySettings(), readable()
    token = _given(settings.webhook_token)
    either = token or any(_given(secret) for _, its_settings in systems for secret in its_settings.webhook_secrets)
    default = ProcessSettings().ticketing
    for system, its_settings in systems:
        used = its_settings.url is not None or its_settings.webhook_secrets
        if used or (not either and system.provider == default):
            variable, secrets = system.settings.variable("webhook_secrets"), its_settings.webhook_secrets
            for finding in _webhooks(system.name, variable, secrets, token=token, either=either):
                yield finding
    if _given(settings.token):
        yield good("The signal API asks for a bearer token")
    else:
        yield warning(
            "The signal API asks for no token",
            "set MLC_GATEWAY_TOKEN; now anybody who reaches the gateway can start a process.",
        )


def _webhooks(
    name: str, variable: str, secrets: Sequence[SecretStr], *, token: bool, either: bool
) -> Iterator[Finding]:
    """About one ticket system; ``either``: the gateway knows a secret of one of them, and starts."""
    known = [secret for secret in secrets if _given(secret)]
    if len(known) < len(secrets):
        yield warning(f"One of {variable} is empty", "take it out; the gateway believes no signature of it.")
    if known:
        yield good(f"{name}'s webhooks are signed with {'one of ' if len(known) > 1 else ''}{len(known)} secret(s)")
    elif token:
        yield good(f"{name}'s webhooks bear the token of MLC_GATEWAY_WEBHOOK_TOKEN")
    elif either:
        yield warning(
            f"No secret for {name}'s webhooks is set",
            f"set {variable} to the webhook's, as a JSON list; now only the sweep sees what is decided there.",
        )
    else:
        yield wrong(
            f"No secret for {name}'s webhooks is set",
            f"set {variable} to the webhook's, as a JSON list; the gateway doesn't start without.",
        )


def _given(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value().strip())
