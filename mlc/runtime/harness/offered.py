"""What this project offers to models' code: ``mlc.monitors``, and nothing else of it.

Where the interpreter has the project installed, it is found there. A runtime of a checkout, or a model with libraries
of its own, finds it here, behind everything that the model brings: a model's own ``mlc.py`` stays what it is.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

MONITORS = Path(__file__).resolve().parents[2] / "monitors"
_PARENT, _NAME = "mlc", "mlc.monitors"


class Offered:
    """Finds it for an import, after all others have been asked."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """As :class:`importlib.abc.MetaPathFinder` has it."""
        if fullname == _NAME:
            return spec_from_file_location(_NAME, MONITORS / "__init__.py", submodule_search_locations=[str(MONITORS)])
        if fullname == _PARENT:  # a package with nothing in it but that
            return ModuleSpec(_PARENT, None, is_package=True)
        return None


def offer() -> None:
    """From now on it can be imported."""
    sys.meta_path.append(Offered())
