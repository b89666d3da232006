"""The gateway: the secrets with which it knows who is calling."""

from collections.abc import AsyncIterator

from pydantic import SecretStr

from mlc.check.finding import Finding, good, warning, wrong
from mlc.settings import GatewaySettings, JiraSettings


async def check_gateway() -> AsyncIterator[Finding]:
    """Findings about the gateway's settings."""
    settings, jira = GatewaySettings(), JiraSettings()
    secrets = [secret for secret in jira.webhook_secrets if _given(secret)]
    if len(secrets) < len(jira.webhook_secrets):
        yield warning(
            "One of MLC_JIRA_WEBHOOK_SECRETS is empty", "take it out; the gateway believes no signature of it."
        )
    if secrets:
        yield good(f"Jira's webhooks are signed with {'one of ' if len(secrets) > 1 else ''}{len(secrets)} secret(s)")
    elif _given(settings.webhook_token):
        yield good("Jira's webhooks bear the token of MLC_GATEWAY_WEBHOOK_TOKEN")
    else:
        yield wrong(
            "No secret for Jira's webhooks is set",
            "set MLC_JIRA_WEBHOOK_SECRETS to the webhook's, as a JSON list; the gateway doesn't start without.",
        )
    if _given(settings.token):
        yield good("The signal API asks for a bearer token")
    else:
        yield warning(
            "The signal API asks for no token",
            "set MLC_GATEWAY_TOKEN; now anybody who reaches the gateway can start a process.",
        )


def _given(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value().strip())
