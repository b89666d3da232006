"""Cases of decision models: inputs and what is expected of them, in JSON or CSV, with the coverage of rules and cells.

    suite = Suite(mlc.dmn.load("thresholds.dmn"))
    for outcome in suite.outcomes([Path("thresholds.cases.csv")]):
        print(outcome.status, outcome.case.place, *outcome.messages)
    print(suite.passed, suite.coverage.rules)

`case` is what a case says; `jsoncases` and `csvcases` read it, `casefile` says which; `interface` knows the names that
it may use, `comparison` compares, `suite` runs it, `coverage` watches the tables meanwhile; `report` and `junit` tell.
"""

from .case import Case, CasesError, ExpectedProblem
from .casefile import beside
from .coverage import ColumnCoverage, Coverage, Share, TableCoverage
from .suite import Outcome, Status, Suite

__all__ = [
    "Case",
    "CasesError",
    "ColumnCoverage",
    "Coverage",
    "ExpectedProblem",
    "Outcome",
    "Share",
    "Status",
    "Suite",
    "TableCoverage",
    "beside",
]
