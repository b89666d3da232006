"""The model centre that the settings name: the one place outside their rooms that knows which adapters there are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.center.port import Center


@asynccontextmanager
async def configured_center() -> AsyncIterator[Center]:
    """The centre of ``MLC_CENTER_*``, for as long as the block lasts. Nothing is asked of it yet."""
    center = ModelOpCenter(CenterSettings())
    try:
        yield center
    finally:
        await center.aclose()
