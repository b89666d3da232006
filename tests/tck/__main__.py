"""`python -m tests.tck FOLDER [--json]`: run the cases below a folder; status 1 when one fails."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from .runner import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tck", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print the score as JSON")
    arguments = parser.parse_args()
    score = run(arguments.folder)
    if not score.total:
        parser.error(f"there are no test cases below {arguments.folder}")
    if arguments.json:
        print(json.dumps(asdict(score), indent=2, ensure_ascii=False))
    else:
        for failure in score.failures:
            print(f"{failure.case} {failure.decision}\n  expected {failure.expected}\n  actual   {failure.actual}")
        print(f"{score.passed}/{score.total} cases, {score.value_tests_passed}/{score.value_tests} value tests")
    return 0 if score.passed == score.total else 1


if __name__ == "__main__":
    sys.exit(main())
