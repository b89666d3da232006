"""Runs models' code: jobs from the model centre, and online deployments."""

from mlc.runtime.serve import run_runtime

__all__ = ["run_runtime"]
