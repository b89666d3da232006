"""The sandbox that workflows run in: what they share with the worker, and what is loaded anew for each of them.

``workflows.*`` is loaded anew, so that ``datetime.now``, ``random`` and ``uuid4`` in a step are caught. What is named
here is shared, which makes a run begin in a millisecond: the domain's types, and the activities' signatures. That
nothing else is imported, which would be loaded anew for every run, is a matter of lint and tests.

Loaded anew means run anew, not read and compiled anew: that takes ten times as long, and is done once a process.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

SHARED = ("mlc", "activities")
"""Packages, with all that they import."""
ANEW = "workflows"
"""The package that is loaded anew."""


def sandboxed() -> SandboxedWorkflowRunner:
    """For every worker and replayer of workflows."""
    if Compiled not in sys.meta_path:
        sys.meta_path.insert(0, Compiled)
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*SHARED))


class Compiled:
    """Finds the modules of ``workflows`` below its own folder, where Python finds them too, and compiles each once."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """See importlib.abc.MetaPathFinder."""
        if not name.startswith(f"{ANEW}.") or path is None:
            return None
        if (known := _specs.get(name)) is None:
            known = PathFinder.find_spec(name, path, target)
            if known is None or type(known.loader) is not SourceFileLoader:
                return known
            _specs[name] = known
            known.loader = _Once(known.loader.name, known.loader.path)
        # A module keeps its spec, and notes there whether it is being loaded: each gets one of its own.
        spec = ModuleSpec(name, known.loader, origin=known.origin)
        spec.submodule_search_locations = known.submodule_search_locations
        spec.has_location, spec.cached = known.has_location, known.cached
        return spec


_specs: dict[str, ModuleSpec] = {}


class _Once(SourceFileLoader):
    """Keeps a module's code."""

    _code: CodeType | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        if self._code is None:
            self._code = super().get_code(fullname)
        return self._code
