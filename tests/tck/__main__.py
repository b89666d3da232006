"""Run test cases of the DMN technology compatibility kit against `mlc.dmn`.

Prints, for each compliance level, the cases that passed and, of these, the value tests: the cases whose expected result
is not null, which an engine that answers only null cannot pass. Every result that is wrong is printed with what was
expected. Cases whose model calls functions in Java are listed as out of scope and count as neither passed nor failed.

Numbers are compared as decimals. Only an expected number of eight decimals or more, which is rounded, has a tolerance:
the kit's own, less than 1e-8. An errorResult is passed by null alone.

Exit status: 0 when every case passed; 1 when one failed; 2 when the folder has no test cases. With --known FILE, cases
that the file lists (see docs/dmn-conformance.md) may fail, and the status is 1 when another one fails, or when a listed
one that was run passes, so that the list stays true.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from .known import listed
from .runner import Score, run


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tck", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a folder of the kit: all of TestCases, one level or one directory")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    parser.add_argument("--known", type=Path, metavar="FILE", help="a Markdown table of the cases that may fail")
    arguments = parser.parse_args()
    known = set(listed(arguments.known.read_text(encoding="utf-8"))) if arguments.known else set()
    scores = run(arguments.folder)
    if not scores:
        parser.error(f"there are no test cases below {arguments.folder}")
    failed = {case for score in scores.values() for case in score.failed_cases}
    passed = {case for score in scores.values() for case in score.passed_cases}
    surprises = sorted(failed - known) + [f"{case} (passes, but is listed)" for case in sorted(passed & known)]
    if arguments.json:
        print(json.dumps(as_json(scores, surprises), indent=2, ensure_ascii=False))
    else:
        print(as_text(scores))
        if arguments.known:
            print(f"{len(failed & known)} failed as listed; otherwise: {', '.join(surprises) or 'none'}")
    return 1 if surprises else 0


def as_json(scores: dict[str, Score], surprises: list[str]) -> dict[str, object]:
    """The scores by level, and the cases that failed or passed without being expected to."""
    levels = {level: {**asdict(score), "passed": score.passed} for level, score in scores.items()}
    for level in levels.values():
        del level["passed_cases"]
    return {"levels": levels, "unexpected": surprises}


def as_text(scores: dict[str, Score]) -> str:
    """What a person reads."""
    lines = []
    for score in scores.values():
        for failure in score.failures:
            lines += [f"{failure.case} {failure.result}", f"  expected {failure.expected}"]
            lines += [f"  actual   {failure.actual}"]
        if score.out_of_scope:
            lines.append(f"out of scope, functions in Java: {', '.join(score.out_of_scope)}")
    for level, score in scores.items():
        text = f"level {level}: {score.passed}/{score.total} cases, "
        text += f"{score.value_tests_passed}/{score.value_tests} value tests"
        lines.append(text + (f", {len(score.out_of_scope)} out of scope" if score.out_of_scope else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
