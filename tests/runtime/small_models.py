"""Small models written by the tests, and the examples, as the model centre would hand them over."""

import base64
import textwrap
import zipfile
from pathlib import Path
from typing import Any

from mlc.center.modelop import wire

EXAMPLES = Path(__file__).parents[2] / "examples"
MEGABYTE = 1024**2


def embedded(name: str, content: str | bytes, **fields: Any) -> wire.Asset:
    """A FILE asset with its content."""
    raw = content.encode() if isinstance(content, str) else content
    return wire.Asset(name=name, filename=name, file_content=base64.b64encode(raw).decode(), **fields)


def python_model(source: str, *files: wire.Asset, **functions: str) -> wire.DeployableModel:
    """A snapshot of a model with one source, ``model.py``."""
    code = wire.Asset(
        name="model.py",
        filename="model.py",
        asset_type="SOURCE_CODE",
        asset_role="MODEL_SOURCE",
        primary_model_source=True,
        source_code=textwrap.dedent(source),
        **functions,
    )
    stored = wire.StoredModel(
        id="model-1", model_meta_data=wire.ModelMetaData(name="Small model", type="PYTHON"), model_assets=[code, *files]
    )
    return wire.DeployableModel(id="snapshot-1", stored_model=stored)


def example_model(name: str, *artefacts: wire.Asset) -> wire.DeployableModel:
    """A snapshot of one of the examples, with the files that its folder ships besides data."""
    folder = EXAMPLES / name
    files = [embedded(p.name, p.read_bytes(), asset_role="WEIGHTS_FILE") for p in folder.glob("coefficients.json")]
    requirements = embedded(
        "requirements.txt", (folder / "requirements.txt").read_bytes(), asset_role="REQUIRED_LIBRARIES"
    )
    model = python_model((folder / f"{name}.py").read_text(), requirements, *files, *artefacts)
    model.stored_model.model_assets[0].filename = f"{name}.py"
    return model


def example_data(name: str, file: str) -> wire.Asset:
    return embedded(file, (EXAMPLES / name / file).read_bytes(), file_format="CSV")


def tiny_library(folder: Path, version: str, value: str = "") -> Path:
    """A library that pip can install without any network: a wheel, made by hand.

    Args:
        value: what its ``VERSION`` is, as Python says it; else ``version``.
    """
    wheel = folder / f"tiny_library-{version}-py3-none-any.whl"
    info = f"tiny_library-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_library.py", f"VERSION = {value or repr(version)}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-library\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"tiny_library.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return wheel


def needing(requirements: str, *files: wire.Asset) -> wire.DeployableModel:
    """A model that says which tiny library it found, and in which environment."""
    source = (
        "import sys, tiny_library\n# modelop.metrics\ndef m(df): yield {'v': tiny_library.VERSION, 'p': sys.prefix}"
    )
    return python_model(source, embedded("requirements.txt", requirements, asset_role="REQUIRED_LIBRARIES"), *files)
