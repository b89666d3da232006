"""The door behind which models' code runs: jobs from the model centre, and online deployments."""

from mlc.runtime.door import run_runtime

__all__ = ["run_runtime"]
