"""All benches, one after the other: one JSON document with the report of each.

python bench/all.py            hours: `make bench`
python bench/all.py --quick    under eight minutes on an idle machine: `make bench ARGS=--quick`

The exit code is 1 if a figure was not kept, or a bench failed: the others go on all the same. One that is
not there is skipped. After Ctrl-C the reports of those that have ended are printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measuring import asked, machine, told

BENCHES = (
    *("dmn", "monitors", "start", "latency", "throughput", "size", "batch"),
    *("listings", "mirror", "waiting", "midnight", "growth"),
)
SECONDS = {"full": 6 * 3600, "quick": 600, "smoke": 600}
SHOWN = 2_000
"""Characters of what a bench that failed has said."""


def one(name: str, size: str) -> dict[str, Any]:
    """Run a bench; its report, or why there is none under ``failed`` or ``skipped``."""
    script = Path(__file__).with_name(f"{name}.py")
    if not script.exists():
        return {"bench": name, "skipped": "it is not here"}
    options = [] if size == "full" else [f"--{size}"]
    began = time.monotonic()
    try:
        command = [sys.executable, str(script), *options]
        ended = subprocess.run(command, capture_output=True, timeout=SECONDS[size], check=False)
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace")[-SHOWN:]
        return {"bench": name, "failed": f"not within {SECONDS[size]} s", "said": said}
    spent = {"seconds": round(time.monotonic() - began, 1), "exit_code": ended.returncode}
    try:
        report = json.loads(ended.stdout)
    except ValueError:
        report = None
    if not isinstance(report, dict) or (ended.returncode and not report.get("missed")):
        said = ended.stderr.decode(errors="replace")[-SHOWN:]
        return {"bench": name, "failed": "it ended without a report", "said": said, **spent}
    return report | spent


def main() -> int:
    size = asked(__doc__)
    reports: list[dict[str, Any]] = []
    interrupted = False
    try:
        for number, name in enumerate(BENCHES, 1):
            told(f"{number} of {len(BENCHES)}: {name}")
            reports.append(one(name, size.name))
            told(f"{name} took {reports[-1].get('seconds', 0):.0f} s")
    except KeyboardInterrupt:
        interrupted = True
    failed = [each["bench"] for each in reports if "failed" in each]
    missed = {each["bench"]: each["missed"] for each in reports if each.get("missed")}
    left = [name for name in BENCHES if name not in {each["bench"] for each in reports}]
    document = {"interrupted_before": left} if interrupted else {}
    document |= {"size": size.name, "machine": machine(), "failed": failed, "missed": missed, "benches": reports}
    print(json.dumps(document, indent=2))
    if interrupted:
        return 130
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main())
