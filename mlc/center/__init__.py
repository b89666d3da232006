"""ModelOp Center's REST API (model-manage): the port, its httpx client and the wire types."""

from mlc.center.port import Center

__all__ = ["Center"]
