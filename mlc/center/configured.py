"""The model centre that the settings name: the one place outside their rooms that knows which adapters there are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mlc.center.modelop.center import ModelOpCenter
from mlc.center.modelop.settings import CenterSettings
from mlc.center.port import Center
from mlc.center.progress import Tell, untold


@asynccontextmanager
async def configured_center(tell: Tell = untold) -> AsyncIterator[Center]:
    """The centre of ``MLC_CENTER_*``, for as long as the block lasts. Nothing is asked of it yet.

    ``tell`` is told how far a file is that goes to the centre by itself.
    """
    center = ModelOpCenter(CenterSettings(), tell=tell)
    try:
        yield center
    finally:
        await center.aclose()
