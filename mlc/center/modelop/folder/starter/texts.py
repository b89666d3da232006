"""The texts of the starter's files."""

MODEL = '''"""Which customers leave? A logistic regression in plain Python, whose weights are beside it as JSON.

Change it step by step into a model of your own: `mlc validate` says after each what it would become.
"""

# modelop.schema.0: input_schema.avsc
# modelop.schema.1: output_schema.avsc

import json
import math
from pathlib import Path

LABEL = "leaves"


# modelop.init
def init():
    """Called once, before anything else: loads what the functions need."""
    global weights
    weights = json.loads(Path("weights.json").read_text())


def probability(record):
    total = weights["intercept"]
    for name, of in weights["features"].items():
        total += of["weight"] * (record[name] - of["mean"]) / of["spread"]
    return 1 / (1 + math.exp(-total))


# modelop.score
def score(record):
    """Called with one record as a dict; what it yields is the answer."""
    chance = probability(record)
    yield {"score": int(chance > 0.5), "probability": round(chance, 4)}


# modelop.metrics
def metrics(df):
    """Called with the TEST_DATA as a data frame; the decision table judges the dict that it yields."""
    pairs = [(row[LABEL], int(probability(row) > 0.5)) for row in df.to_dict("records")]
    hits = sum(actual == predicted for actual, predicted in pairs)
    found = sum(actual == predicted == 1 for actual, predicted in pairs)
    real = sum(actual == 1 for actual, _ in pairs)
    said = sum(predicted == 1 for _, predicted in pairs)
    yield {
        "accuracy": round(hits / len(pairs), 4),
        "recall": round(found / real, 4) if real else None,
        "precision": round(found / said, 4) if said else None,
    }


# modelop.train
def train(df):
    """Called with the TRAINING_DATA; what it leaves in outputDir/ becomes part of the snapshot."""
    names = [column for column in df.columns if column != LABEL]
    rows = df.to_dict("records")
    means = {name: sum(row[name] for row in rows) / len(rows) for name in names}
    spreads = {name: math.sqrt(sum((row[name] - means[name]) ** 2 for row in rows) / len(rows)) for name in names}
    scaled = [[1.0, *((row[name] - means[name]) / spreads[name] for name in names)] for row in rows]
    fitted = [0.0] * (len(names) + 1)
    for _ in range(400):
        errors = [
            1 / (1 + math.exp(-sum(w * x for w, x in zip(fitted, xs)))) - row[LABEL] for xs, row in zip(scaled, rows)
        ]
        for i in range(len(fitted)):
            fitted[i] -= 0.5 * sum(error * xs[i] for error, xs in zip(errors, scaled)) / len(rows)
    features = {
        name: {"weight": round(weight, 6), "mean": round(means[name], 6), "spread": round(spreads[name], 6)}
        for name, weight in zip(names, fitted[1:])
    }
    new = {"intercept": round(fitted[0], 6), "features": features}
    Path("outputDir/weights.json").write_text(json.dumps(new, indent=2) + "\\n")
'''

TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="thresholds_file" name="Thresholds"
             namespace="https://example.org/thresholds">
  <decision id="thresholds" name="Thresholds">
    <decisionTable id="table" hitPolicy="COLLECT">
      <input id="input_accuracy" label="accuracy">
        <inputExpression id="expression_accuracy" typeRef="number"><text>accuracy</text></inputExpression>
      </input>
      <input id="input_recall" label="recall">
        <inputExpression id="expression_recall" typeRef="number"><text>recall</text></inputExpression>
      </input>
      <output id="output_passes" name="passes" typeRef="boolean" />
      <output id="output_reason" name="reason" typeRef="string" />
      <rule id="too_inaccurate">
        <inputEntry id="accuracy_below"><text>&lt; 0.75</text></inputEntry>
        <inputEntry id="any_recall"><text>-</text></inputEntry>
        <outputEntry id="no_1"><text>false</text></outputEntry>
        <outputEntry id="why_1"><text>"The accuracy is below 0.75"</text></outputEntry>
      </rule>
      <rule id="too_few_found">
        <inputEntry id="any_accuracy"><text>-</text></inputEntry>
        <inputEntry id="recall_below"><text>&lt; 0.6</text></inputEntry>
        <outputEntry id="no_2"><text>false</text></outputEntry>
        <outputEntry id="why_2"><text>"Fewer than 60 % of those who leave are found"</text></outputEntry>
      </rule>
    </decisionTable>
  </decision>
</definitions>
"""

INPUT_SCHEMA = """{
  "type": "record",
  "name": "customer",
  "fields": [
    {"name": "visits", "type": "int", "dataClass": "numerical", "role": "predictor", "driftCandidate": true},
    {"name": "complaints", "type": "int", "dataClass": "numerical", "role": "predictor", "driftCandidate": true},
    {"name": "months", "type": "int", "dataClass": "numerical", "role": "predictor", "driftCandidate": true},
    {"name": "leaves", "type": "int", "dataClass": "categorical", "role": "label", "scoringOptional": true},
    {"name": "score", "type": "int", "dataClass": "categorical", "role": "score", "scoringOptional": true}
  ]
}
"""

OUTPUT_SCHEMA = """{
  "type": "record",
  "name": "answer",
  "fields": [
    {"name": "score", "type": "int"},
    {"name": "probability", "type": "double"}
  ]
}
"""

README = """# NAME

A small model that works, as `mlc init` wrote it.

| file | what it is |
|---|---|
| `model.py` | the source: `# modelop.*` marks its functions |
| `weights.json` | what `init` loads, and `train` makes anew |
| `train.csv`, `test.csv` | data for training and for testing: made up |
| `baseline.csv`, `comparator.csv` | the same with the model's `score`: what monitors compare |
| `input_schema.avsc`, `output_schema.avsc` | what a record and an answer look like, with the roles of columns |
| `thresholds.dmn` | the decision table that judges a test |
| `metadata.json` | name, methodology and risk; the tags ask for a test and for a review |

    mlc validate .
    mlc submit . --tag online --watch

`mlc submit` finds `mlc dev` in the folder where that runs; elsewhere, set `MLC_HOME` to its `.mlc` folder. The tag
`online` deploys the model on the runtime of that tag, too; without it, as batch alone.
"""
