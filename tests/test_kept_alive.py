"""Connections between the programs: whoever sends on one that is just being closed doesn't know what came of it."""

import httpx

from mlc.center.modelop.transport import KEPT
from mlc.standalone.center import serve as center
from mlc.standalone.desk import serve as desk


def test_a_server_keeps_an_idle_connection_for_longer_than_its_clients_do() -> None:
    ours = httpx.Limits().keepalive_expiry
    assert ours is not None
    assert center.KEPT_ALIVE > KEPT + 10
    assert min(center.KEPT_ALIVE, desk.KEPT_ALIVE) > ours + 10
