"""``mlc schema infer``: a schema to correct on the output, and on the error output what it suffices for."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mlc.monitors
from mlc.cli import app

CSV = "id,age,region,label,score\n1,30,north,yes,no\n2,40,south,no,no\n3,50,north,yes,yes\n"


def inferred(file: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, output, and what was said beside it on one line."""
    done = CliRunner().invoke(app, ["schema", "infer", str(file), *options])
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def test_a_schema_is_made_that_monitors_can_read(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(CSV)
    code, output, said = inferred(tmp_path / "data.csv")
    assert code == 0
    made = json.loads(output)
    roles = {field["name"]: (field["role"], field["dataClass"]) for field in made["fields"]}
    assert roles == {
        "id": ("identifier", "numerical"),
        "age": ("predictor", "numerical"),
        "region": ("predictor", "categorical"),
        "label": ("label", "categorical"),
        "score": ("score", "categorical"),
    }
    assert made["name"] == "data"
    mlc.monitors.read_schema(output)
    assert "Stability Monitor: PSI/CSI: it suffices." in said
    assert "Performance Monitor: Regression: The label 'label' must be numerical" in said


def test_roles_can_be_told_and_one_that_is_no_column_is_said_with_the_near_ones(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("case,age,malignant,verdict\n1,30,1,0\n2,40,0,0\n")
    typed = ("--label", "malignant", "--identifier", "case", "--score", "verdict")
    code, output, said = inferred(tmp_path / "data.csv", *typed)
    assert code == 0
    made = {field["name"]: (field["role"], field["driftCandidate"]) for field in json.loads(output)["fields"]}
    assert made == {
        "case": ("identifier", False),
        "age": ("predictor", True),
        "malignant": ("label", False),
        "verdict": ("score", False),
    }
    assert "Performance Monitor: Classification: it suffices." in said
    code, output, said = inferred(tmp_path / "data.csv", "--label", "malignnat")
    assert (code, output) == (2, "")
    assert "is 'malignant' meant?" in said.replace("│ ", "")


def test_a_score_of_numbers_may_be_a_class_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("age,label,score\n30,yes,0\n40,no,1\n")
    _, _, said = inferred(tmp_path / "data.csv")
    assert 'give its field "dataClass": "categorical" if it is a class, else a "threshold", such as 0.5.' in said


def test_all_formats_give_the_same_schema(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    (tmp_path / "data.csv").write_text(CSV)
    frame = pd.read_csv(tmp_path / "data.csv")
    frame.to_json(tmp_path / "data.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "data.json", orient="records")
    frame.to_parquet(tmp_path / "data.parquet")
    found = [inferred(tmp_path / f"data.{form}")[:2] for form in ("csv", "jsonl", "json", "parquet")]
    assert found == [found[0]] * 4
    assert found[0][0] == 0


def test_as_many_records_are_looked_at_as_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"a": 1}\n{"a": 2, "late": 1}\n')
    for records, names in ((1, ["a"]), (2, ["a", "late"])):
        _, output, said = inferred(tmp_path / "data.jsonl", "--records", str(records), "--name", "of_mine")
        made = json.loads(output)
        assert [field["name"] for field in made["fields"]] == names
        assert made["name"] == "of_mine"
        assert f"Of the first {records} records" in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data.txt", "a\n1\n", "its name's ending must tell its format: .arrow, .csv,"),
        ("data.csv.gz", "a\n1\n", "its name's ending must tell its format"),
        ("data.csv", "", "it is empty"),
        ("data.csv", "a,b\n", "holds no records"),
        ("data.csv", "a,b\n1\n", "line 2 has 1 cells, and the header names 2 columns"),
        ("data.csv", "a,a\n1,2\n", "twice"),
        ("data.jsonl", "[1]\n", "must hold objects, one a record"),
        ("data.jsonl", '{"a": 1\n', "can't be read as JSON"),
        ("data.parquet", "no parquet", "can't be read as Parquet"),
    ],
)
def test_what_can_not_be_read_is_said(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    code, output, told = inferred(tmp_path / name)
    assert (code, output) == (2, "")
    assert said in told.replace("│", "")
