"""`python -m tests.mutants [NAME ...]`: would a test notice, if a setting were ignored and its usual value hard-coded?

For every setting with another word (see `center/other_words.py`), and for the control tags, the adapter is made to see
the usual value whatever is set; then the contract suite's run with other words must fail. Prints a line for each mutant
and ends with 1 if one survived. Not part of `make test`: it takes some minutes.
"""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CONTRACT = [str(HERE / "center/test_modelop_contract.py"), "-k", "other and words"]
TAGS_TEST = [str(HERE / "center/test_control_tags.py")]
TAGS = ("train_tag", "run_test_tag", "review_tag")
SYSTEMS_TAGS = "review tags of ticket systems"
QUIET = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "addopts="]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="settings to hard-code; default: all")
    parser.add_argument("--parallel", type=int, default=2, help="how many at once (default: %(default)s)")
    options = parser.parse_args()
    sys.path[:0] = [str(HERE), str(HERE / "center")]
    print("nothing changed: " + ("passes" if _passes("") else "FAILS, so that nothing can be told"), flush=True)
    survived = []
    with ThreadPoolExecutor(options.parallel) as pool:
        names = options.names or list(_names())
        for name, passes in zip(names, pool.map(_passes, names), strict=True):
            print(f"{name}: {'SURVIVED' if passes else 'killed'}", flush=True)
            survived += [name] if passes else []
    print(f"{len(names) - len(survived)} of {len(names)} killed")
    return 1 if survived else 0


def _names() -> Iterator[str]:
    from other_words import OTHER_WORDS

    yield from OTHER_WORDS
    yield from TAGS
    yield SYSTEMS_TAGS


def _passes(name: str) -> bool:
    """Whether the tests pass although this setting is ignored, in a process of its own."""
    child = os.fork()
    if not child:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            if name in TAGS:
                _ignore_tag(name)
            elif name == SYSTEMS_TAGS:
                _ignore_tags_of_systems()
            elif name:
                _ignore(name)
            code = pytest.main([*QUIET, *(TAGS_TEST if name in {*TAGS, SYSTEMS_TAGS} else CONTRACT)])
        os._exit(int(code))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        raise SystemExit(f"The tests could not be run with {name or 'nothing'} changed: pytest ended with {code}.")
    return code == pytest.ExitCode.OK


def _ignore(name: str) -> None:
    """Every adapter sees the usual value."""
    from mlc.center.modelop.access import ModelOpAccess
    from mlc.center.modelop.settings import CenterSettings

    usual = CenterSettings.model_fields[name].default
    real = ModelOpAccess.__init__

    def init(self: ModelOpAccess, settings: CenterSettings, **more: Any) -> None:
        real(self, settings.model_copy(update={name: usual}), **more)

    ModelOpAccess.__init__ = init  # type: ignore[method-assign]


def _ignore_tag(name: str) -> None:
    from other_words import OTHER_TAGS

    from activities import snapshots
    from mlc.settings import ProcessSettings

    usual = ProcessSettings.model_fields[name].default
    real = snapshots.is_set

    def is_set(snapshot: Any, flag: str) -> bool:
        return real(snapshot, usual if flag == OTHER_TAGS[name] else flag)

    snapshots.is_set = is_set


def _ignore_tags_of_systems() -> None:
    from mlc.ticketing import registry

    def review_tags(known: Any) -> dict[str, str]:
        usual = ((system.settings.model_fields["review_tag"].default, system.provider) for system, _ in known)
        return {tag: provider for tag, provider in usual if tag}

    registry.review_tags = review_tags


if __name__ == "__main__":
    sys.exit(main())
