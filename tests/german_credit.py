"""A snapshot like the one that ModelOp has published with a finished job of its stability monitor, made here.

A German credit model: four decision tables, two for performance and two for stability; two files with the role
TEST_DATA for a metrics function that takes one; all data outside the centre; a monitor with one of the tables on it.
"""

import base64
from collections.abc import Sequence
from typing import Any

from mlc.center.modelop import wire

STABILITY = "Stability Monitor: PSI/CSI"
FIGURES = {"accuracy": 0.765, "precision": 0.8, "recall": 0.88, "f1_score": 0.84, "auc": 0.79}
"""What its metrics job answers in these tests."""
SOURCE = "# modelop.metrics\ndef metrics(data):\n    yield {}\n"
SCHEMA = {
    "type": "record",
    "name": "input",
    "fields": [
        {"name": name, "type": "string", "dataClass": "categorical", "role": role}
        for name, role in (
            ("credit_history", "predictor"),
            ("purpose", "predictor"),
            ("present_employment_since", "predictor"),
            ("label_value", "label"),
            ("score", "score"),
        )
    ],
}


def decision_table(rows: Sequence[tuple[str, str, str]]) -> str:
    """A COLLECT table as ModelOp's are: each row tests one column, names it and says whether that passes."""
    columns = "".join(
        f'<input id="i{n}" label="{name}" camunda:inputVariable="{name}">'
        f'<inputExpression id="e{n}" typeRef="double" expressionLanguage="feel"><text></text></inputExpression></input>'
        for n, (name, _, _) in enumerate(rows)
    )
    rules = "".join(
        f'<rule id="r{row}">'
        + "".join(
            f'<inputEntry id="r{row}i{n}"><text>{test if n == row else ""}</text></inputEntry>'
            for n in range(len(rows))
        )
        + f'<outputEntry id="p{row}"><text>{passes}</text></outputEntry>'
        f'<outputEntry id="q{row}"><text>"{name} {test}"</text></outputEntry></rule>'
        for row, (name, test, passes) in enumerate(rows)
    )
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="DRD" '
        'xmlns:camunda="http://camunda.org/schema/1.0/dmn" namespace="http://camunda.org/schema/1.0/dmn">'
        '<decision id="c" name="Model Test Comparator"><decisionTable id="t" hitPolicy="COLLECT">'
        f'{columns}<output id="o1" name="passes" typeRef="boolean"/><output id="o2" name="reason" typeRef="string"/>'
        f"{rules}</decisionTable></decision></definitions>"
    )


def source(name: str, role: str, text: str, **more: Any) -> wire.Asset:
    """ModelOp keeps decision tables, too, as source code."""
    return wire.Asset(name=name, asset_type="SOURCE_CODE", asset_role=role, source_code=text, **more)


def far(name: str, role: str, **more: Any) -> wire.Asset:
    """Data in a bucket, under a name of its own there."""
    return wire.Asset(
        name=f"e9cd/{name}",
        asset_type="EXTERNAL_FILE",
        asset_role=role,
        file_url=f"https://bucket.example/e9cd/{name}",
        filename=name,
        file_format="JSON",
        **more,
    )


def comparator(name: str, *rows: tuple[str, str, str]) -> wire.Asset:
    return source(name, "TEST_RESULT_COMPARATOR", decision_table(rows))


UNSTABLE = comparator(
    "German_Credit_Stability_FAIL.dmn",
    ("credit_history_CSI", "&gt;= 0.0025", "false"),
    ("purpose_CSI", "&gt;= 0.25", "false"),
    ("present_employment_since_CSI", "&gt;= 0.25", "false"),
)
STABLE = comparator("German_Credit_Stability_Pass.dmn", ("purpose_CSI", "&gt;= 0.001", "true"))
GOOD = comparator("German_Credit_Performance_Pass.dmn", ("accuracy", "&gt;= 0.4", "true"))
BAD = comparator(
    "German_Credit_Performance_FAIL.dmn",
    ("auc", "&lt;= 0.7", "false"),
    ("precision", "&lt;= 0.6", "false"),
    ("recall", "&lt;= 0.6", "false"),
    ("f1_score", "&lt;=.7", "false"),
)
ASSETS = (
    UNSTABLE,
    GOOD,
    source("german_credit.py", "MODEL_SOURCE", SOURCE, primary_model_source=True, metrics_function="metrics"),
    STABLE,
    BAD,
    far("monitoring_parameters.json", "TEST_DATA"),
    far("baseline_data.json", "BASELINE_DATA"),
    far("test_data.json", "TEST_DATA"),
    far("comparator_data.json", "COMPARATOR_DATA"),
    far("training_data.json", "TRAINING_DATA"),
    wire.Asset(
        name="README.md",
        asset_type="FILE",
        asset_role="README_FILE",
        filename="README.md",
        file_content=base64.b64encode(b"A lab model").decode(),
    ),
)


def stored_model(name: str, assets: Sequence[wire.Asset] = ASSETS, **more: Any) -> wire.StoredModel:
    about = wire.ModelMetaData(
        name=name,
        type="PYTHON",
        model_methodology="Classification",
        model_stage="PROD",
        model_risk="unassigned",
        input_schema=[{"schemaId": "0340", "name": "schema_input.avsc", "schemaDefinition": SCHEMA}],
    )
    return wire.StoredModel(model_meta_data=about, model_assets=list(assets), **more)


def association(*tables: wire.Asset, name: str = STABILITY) -> wire.Association:
    """A monitor on a snapshot, and the thresholds that are set on it."""
    return wire.Association(
        association_role="DATA_DRIFT_MODEL",
        association_assets=[
            far("baseline_data.json", "BASELINE_DATA", usage="INPUT_ASSET"),
            far("comparator_data.json", "COMPARATOR_DATA", usage="INPUT_ASSET"),
            *tables,
        ],
        associated_model={"storedModel": {"modelMetaData": {"name": name}}},
    )
