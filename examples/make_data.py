"""Regenerates the examples' data files from the data sets that come with scikit-learn: same input, same bytes.

    python examples/make_data.py [FOLDER]

writes ``train.csv``, ``test.csv``, ``baseline.csv``, ``comparator.csv`` and ``to_score.csv`` of every example, and
the coefficients that the diabetes model ships with. Baseline and comparator are the training and the test data
with the column ``score`` added by the model itself: what a monitor compares.
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes

HERE = Path(__file__).resolve().parent
DIABETES_COLUMNS = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]


def breast_cancer() -> pd.DataFrame:
    """569 masses: the ten mean measurements, and whether the mass is malignant (1) or not (0)."""
    data = load_breast_cancer(as_frame=True)
    frame = data.data.filter(regex="^mean ").rename(columns=lambda name: name.replace(" ", "_"))
    return frame.assign(malignant=1 - data.target)


def diabetes() -> pd.DataFrame:
    """442 patients: ten baseline measurements as they were measured, and the progression after one year."""
    data = load_diabetes(as_frame=True, scaled=False)
    frame = data.data.set_axis(DIABETES_COLUMNS, axis="columns").astype({"age": int, "sex": int})
    return frame.assign(progression=data.target.astype(int))


def load_model(source: Path) -> ModuleType:
    """Import a model's source under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{source.stem}", source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(model: ModuleType, frame: pd.DataFrame) -> pd.DataFrame:
    """The records with the model's answer beside them."""
    answers = [model.score(record) for record in frame.to_dict("records")]
    return frame.assign(score=[(answer if isinstance(answer, dict) else next(answer))["score"] for answer in answers])


def write(folder: Path, source: Path, frame: pd.DataFrame, label: str) -> None:
    """Split the records, train the model on the first part, and write the five files."""
    frame = frame.sample(frac=1, random_state=7).reset_index(drop=True)
    frame.insert(0, "record_id", range(1, len(frame) + 1))
    train_until, test_until = int(len(frame) * 0.6), int(len(frame) * 0.9)
    train, test, rest = frame[:train_until], frame[train_until:test_until], frame[test_until:]

    model = load_model(source)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        try:
            Path("outputDir").mkdir()
            model.train(train)
            for artefact in Path("outputDir").iterdir():
                content = artefact.read_bytes()
                Path(artefact.name).write_bytes(content)
                if artefact.suffix == ".json":  # readable weights are shipped, pickles are not
                    (folder / artefact.name).write_bytes(content)
            model.init(*([{"rawJson": "{}"}] if model.init.__code__.co_argcount else []))
            parts = {
                "train": train,
                "test": test,
                "baseline": scored(model, train),
                "comparator": scored(model, test),
                "to_score": rest.drop(columns=label),
            }
        finally:
            os.chdir(before)
    for name, part in parts.items():
        part.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def main(target: Path = HERE) -> None:
    """Write the data files of every example below ``target``."""
    for name, frame, label in [
        ("breast_cancer", breast_cancer(), "malignant"),
        ("breast_cancer_weak", breast_cancer(), "malignant"),
        ("diabetes", diabetes(), "progression"),
    ]:
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, HERE / name / f"{name}.py", frame, label)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
