"""ModelOp Center (or standalone mode's centre, which speaks the same) as a model centre: catalogue and ledger."""

from mlc.center.modelop.policies import ModelOpPolicies


class ModelOpCenter(ModelOpPolicies):
    """Implements :class:`mlc.center.port.Center` with ModelOp's model-manage."""
