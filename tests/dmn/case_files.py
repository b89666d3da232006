"""Runs `mlc dmn test` inside of this process, on a table and cases that a test writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from mlc.cli.dmn import dmn as app


def run(*arguments: object, stdin: str | bytes | None = None, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(app, [str(argument) for argument in arguments], input=stdin)


@dataclass
class Cases:
    """A model in a folder, and what its cases come to."""

    folder: Path
    content: bytes

    @property
    def model(self) -> Path:
        path = self.folder / "t.dmn"
        if not path.exists():
            path.write_bytes(self.content)
        return path

    def run(self, cases: Any, *options: object, name: str = "c.json") -> Result:
        """Test the model with cases: text and bytes are a file's content, all else is JSON."""
        path = self.folder / name
        if isinstance(cases, bytes):
            path.write_bytes(cases)
        else:
            text = cases if isinstance(cases, str) else json.dumps(cases)
            path.write_text(text, encoding="utf-8", newline="")
        return run("test", self.model, "--cases", path, *options)

    def passes(self, cases: Any, name: str = "c.json") -> bool:
        done = self.run(cases, name=name)
        assert done.exit_code in (0, 1), done.output
        assert (done.exit_code == 0) == ("FAILED" not in done.output and "ERROR" not in done.output)
        return done.exit_code == 0

    def told(self, cases: Any, *options: object, name: str = "c.json") -> str:
        """What is said of cases that do not pass, as one line."""
        done = self.run(cases, *options, name=name)
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        return " ".join(done.output.split())

    def record(self, cases: Any, *options: object, name: str = "c.json") -> Any:
        """The JSON report of the file."""
        return json.loads(self.run(cases, "--json", *options, name=name).stdout)["files"][0]
