"""What is said of a model's name that no model has: with the names that were perhaps meant."""

from contextlib import aclosing, suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mlc.model.failure import ExternalError

if TYPE_CHECKING:
    from mlc.center import Center

_MOST_READ = 500
_SHOWN = 3


async def no_such_model(center: "Center", model: str) -> str:
    """A sentence; names are looked for among the newest deployments, since only what scores has records."""
    said = f"The model centre has no model of the name or id {model[:100]!r}."
    names: dict[str, str] = {}
    read = 0
    with suppress(ExternalError):  # what may be meant is worth less than what is said without
        async with aclosing(center.iter_deployments()) as deployments:
            async for each in deployments:
                names.setdefault(each.model_name[:100].casefold(), each.model_name[:100])
                read += 1
                if read >= _MOST_READ:
                    break
    near = get_close_matches(model[:100].casefold(), [name for name in names if name], n=_SHOWN, cutoff=0.6)
    return f"{said} Was {' or '.join(repr(names[each]) for each in near)} meant?" if near else said
