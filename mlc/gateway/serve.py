"""Run the gateway until it is told to end."""

import ipaddress
import logging
import socket

import uvicorn

from mlc.center.configured import configured_center
from mlc.gateway.app import create_app
from mlc.gateway.temporal import connect
from mlc.settings import FileSettings, GatewaySettings

log = logging.getLogger("mlc.gateway")


async def serve(settings: GatewaySettings, files: FileSettings) -> None:
    """Listen until SIGTERM or SIGINT; requests under way are answered first. Centre and ticket systems are as set up.

    Raises:
        ValueError: no secret for webhooks is configured.
    """
    if settings.token is None and not _loopback(settings.host):
        log.warning("The signal API on %s asks for no token: set MLC_GATEWAY_TOKEN.", settings.host)
    async with configured_center() as center:
        app = create_app(settings, temporal=await connect(), center=center, files=files.rules)
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_level="warning",
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies or None,
            timeout_graceful_shutdown=10,
            http="h11",  # whatever else is installed
            ws="none",
        )
        await _Server(config).serve()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.config.host, self.config.port
            log.info("Gateway on http://%s:%d", f"[{host}]" if ":" in host else host, port)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
