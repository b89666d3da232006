"""``python -m tests.compatibility check``: judge the saved histories; ``freeze``: write down what the code promises."""

import sys

from tests.compatibility import append_only, patches
from tests.compatibility.histories import histories
from tests.compatibility.releases import ROOT, releases

USAGE = "Usage: python -m tests.compatibility check | freeze"


def check() -> int:
    """Judge the saved histories, as ``make lint`` does; 1 if anything is wrong."""
    findings = append_only.check(ROOT)
    if not findings.errors:
        try:
            findings.errors += patches.problems(patches.calls(ROOT), histories(), releases())
        except ValueError as error:
            findings.errors.append(f"{error}.")
    for note in findings.notes:
        print(f"note: {note}")
    for error in findings.errors:
        print(f"error: {error}", file=sys.stderr)
    if not findings.errors:
        print("The saved histories are as they were, and every patch is proven by some.")
    return 1 if findings.errors else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            sys.exit(check())
        case _:
            sys.exit(USAGE)
