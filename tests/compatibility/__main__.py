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


def freeze() -> int:
    """Write down what the code promises, as the record of the release to come; 1 if it breaks an earlier promise."""
    from tests.compatibility import record  # the project's whole code: the check above does without

    now = record.record()
    (record.FROZEN / append_only.NEXT).write_text(record.written(now))
    print(f"Written: {(record.FROZEN / append_only.NEXT).relative_to(ROOT)}. Look at what changed in it.")
    broken = list(record.broken_promises(now, releases()))
    for said in broken:
        print(f"error: {said}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            sys.exit(check())
        case ["freeze"]:
            sys.exit(freeze())
        case _:
            sys.exit(USAGE)
