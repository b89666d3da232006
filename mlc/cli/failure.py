"""What a command says that has failed."""

import os

from mlc.cli.extra import how_to_install


def what_went_wrong(error: BaseException) -> str:
    """What went wrong and what to do, in a line or two."""
    from pydantic import ValidationError

    from mlc.settings.reading import what_is_wrong
    from mlc.temporal import USUAL_ADDRESS

    if isinstance(error, ValidationError):
        return what_is_wrong(error)
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        address = os.environ.get("TEMPORAL_ADDRESS", f"the address of temporal.toml, or {USUAL_ADDRESS}")
        return f"Temporal can't be reached at {address}: start it (`mlc dev` does), or set TEMPORAL_ADDRESS."
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, ModuleNotFoundError):
        return how_to_install(error)
    if isinstance(error, TypeError | AttributeError | KeyError | AssertionError):
        return f"Something is wrong in mlc itself ({type(error).__name__}: {error}): `mlc --debug ...` shows where."
    return str(error) or type(error).__name__
