"""ModelOp: the adapter of model-manage's REST API. Nothing outside this room knows ModelOp's names."""
