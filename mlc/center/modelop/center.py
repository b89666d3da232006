"""ModelOp Center (or standalone mode's centre, which speaks the same) as a model centre: catalogue and ledger."""

from mlc.center.modelop.ledger import ModelOpLedger


class ModelOpCenter(ModelOpLedger):
    """Implements :class:`mlc.center.port.Center` with ModelOp's model-manage."""
