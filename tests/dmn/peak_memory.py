"""Prints what each of the expressions of standard input takes at most: JSON lines in and out.

Each is evaluated in a process of its own, forked from this one, so that what one has freed is no room for the next.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import mlc.dmn

HEAD = (
    '<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" namespace="n" name="m">'
    '<decision id="d" name="d"><literalExpression><text><![CDATA['
)
TAIL = "]]></text></literalExpression></decision></definitions>"


def highest() -> float:
    """The most memory that this process has had, in megabytes. Unlike `getrusage` it starts anew with a program."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024


def evaluated(text: str) -> dict[str, Any]:
    """The kinds of the problems of an expression, or of a whole decision table, and the megabytes that it took."""
    data = text if text.startswith("<definitions") else f"{HEAD}{text}{TAIL}"
    model = mlc.dmn.load(data.encode())
    before = highest()
    problems = [problem.kind for problem in model.evaluate({}).problems]
    return {"problems": problems, "megabytes": highest() - before}


def main() -> None:
    mlc.dmn.load(f"{HEAD}1{TAIL}".encode()).evaluate({})
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            print(json.dumps(evaluated(json.loads(line))))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
