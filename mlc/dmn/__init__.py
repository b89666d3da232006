"""Decision tables: DMN 1.1 to 1.5 with FEEL, and the dialect that ModelOp's and Camunda's files are written in.

    model = mlc.dmn.load("thresholds.dmn")
    evaluation = model.evaluate({"auc": 0.93})

Files, in the order in which a model passes through them: `document` (XML, by `markup`), `reader` to `elements`,
`imports` (further files), `itemtypes`, `keys` (names of members), `expressions` (texts; `script` for Groovy and JUEL),
`tablecompiler` and `boxes`, `graph` to `requirements`, `asked` (whose problems are whose); then, with values from
`inputs`, `evaluator` and `tables` (`ruleindex` for large ones) to an `evaluation`. `model` is the face of all this,
`report` what a person reads, `outline` the tables as they
are written, and `feel` the expression language.

`evaluation` has the result, the rules that matched and the problems. A null result says little: by the specification it
stands for "no rule matches" as well as for a missing input, so look at the problems before calling it a pass.
"""

from .errors import DmnError, Kind, Place, Problem
from .evaluation import Condition, Evaluation, MatchedRule, Unmatched
from .feel.values import Range, YearsMonthsDuration
from .feel.wide import WideDate, WideDateTime, WideDuration, WideTime
from .model import DecisionModel, load
from .outline import RuleOutline, TableOutline, outline
from .requirements import Input

__all__ = [
    "Condition",
    "DecisionModel",
    "DmnError",
    "Evaluation",
    "Input",
    "Kind",
    "MatchedRule",
    "Place",
    "Problem",
    "Range",
    "RuleOutline",
    "TableOutline",
    "Unmatched",
    "WideDate",
    "WideDateTime",
    "WideDuration",
    "WideTime",
    "YearsMonthsDuration",
    "load",
    "outline",
]
