"""ModelOp Center (or standalone mode's centre, which speaks the same) as a model centre: catalogue and ledger."""

from mlc.center.modelop.surroundings import ModelOpSurroundings


class ModelOpCenter(ModelOpSurroundings):
    """Implements :class:`mlc.center.port.Center` with ModelOp's model-manage."""
