"""What a page is like in a browser: measured by a script in it, at any width."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium to measure with (its path can be given as CHROMIUM)"
)
FRAME = """<iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>addEventListener("load", () => document.body.append(
document.querySelector("iframe").contentDocument.getElementById("told")));</script>"""
"""The page in a frame: no window of the browser is as narrow as a phone."""


def measured(folder: Path, page: str, measure: str, width: int, style: str = "") -> dict[str, Any]:
    """What JavaScript tells of a page that is so wide.

    Args:
        measure: statements that end with what is to be told, as ``return``.
        style: a style sheet that the page loads otherwise.
    """
    assert CHROMIUM is not None
    script = f"""<script>addEventListener("load", () => {{ const told = (() => {{ {measure} }})();
    document.body.insertAdjacentHTML("beforeend", "<output id=told></output>");
    document.getElementById("told").textContent = JSON.stringify(told); }});</script>"""
    added = f"<style>{style}</style>{script}" if style else script
    (folder / "page.html").write_text(page.replace("</head>", f"{added}</head>"), encoding="utf-8")
    (folder / "frame.html").write_text(FRAME.format(width=width))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    command = [CHROMIUM, *options, f"--user-data-dir={folder}/profile", "--window-size=1600,1000"]
    shown = subprocess.run(
        [*command, f"file://{folder}/frame.html"], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r'<output id="told">(.*?)</output>', shown.stdout)
    assert found is not None, shown.stdout[-2000:] + shown.stderr[-500:]
    told: dict[str, Any] = json.loads(html.unescape(found[1]))
    return told
