"""ModelOp Center: what it says and how, and nothing of it anywhere else."""
