"""What a model has scored, record by record: how jobs are asked for it."""

SCORED_RECORDS = "mlcScoredRecords"
"""Parameter of a scoring job, true: its output is to be its one input's records with their scores, in their order.

A runtime that has done so says the same in ``runtimeInfo``: another one knows nothing of it, and wrote answers alone.
"""
