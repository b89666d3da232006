"""Lines of a file of accounts, as a person may write them."""

import json
from pathlib import Path

from mlc.standalone.access import random_tokens

DIGEST = random_tokens.digest_of("mlca_x")


def line(name: str = "ada", **more: object) -> str:
    return json.dumps({"name": name, "roles": ["reader"], **more})


def token(name: str = "laptop", **more: object) -> dict[str, object]:
    return {"name": name, "digest": DIGEST, "issued": "2026-11-30T00:00:00Z", **more}


def write(path: Path, *lines: str, end: str = "end\n") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*lines, end]))
    path.chmod(0o600)
