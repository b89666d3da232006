"""Truth that arrives later: labels of what a model has scored, kept by the records' identifiers."""
