"""Results that the tests of pages share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mlc.model.result import Provenance, Purpose, TestResultRecord
from mlc.model.verdict import RuleOutcome, TableOutcome, Verdict

EVIL = "\"><script>alert('x')</script><svg onload=alert(1)>&amp;\0\x1b\u202egnp.exe</style></title>{{ 7 * 7 }}"
BEGAN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
METRIC = "DataDrift_maxJensen-ShannonDistance"

DRIFT: dict[str, Any] = {
    METRIC: 0.31,
    f"{METRIC}Feature": "age",
    "age_js_distance": 0.31,
    "age_ks_pvalue": None,
    "not_compared_count": 1,
    "not_compared": [{"column": "broken", "reason": "in the baseline 3 of its 3 values are no numbers"}],
    "data_drift": [
        {
            "test_name": "Jensen-Shannon",
            "test_category": "data_drift",
            "test_type": "jensen_shannon",
            "metric": "distance",
            "test_id": "data_drift_jensen_shannon_distance",
            "values": {"age": 0.31, "sex": 0.02},
        },
        {
            "test_name": "Summary",
            "test_type": "summary",
            "values": {"numerical_comparisons": {"age": {"baseline": {"mean": 40.5}, "sample": {"mean": 33.25}}}},
        },
    ],
    "distributions": {
        "columns": [
            {
                "column": "age",
                "edges": [20, 30, 40, 50],
                "baseline": [10, 30, 60],
                "sample": [25, 15, 9],
                "above": [0, 1],
            },
            {
                "column": "sex",
                "categories": ["female", "male"],
                "baseline": [48, 52],
                "sample": [26, 24],
                "other_categories": 3,
                "others": [1, 2],
                "nulls": [0, 4],
            },
        ],
        "columns_left_out": 2,
    },
}
STABILITY: dict[str, Any] = {
    "age_CSI": 0.55,
    "stability": [
        {
            "test_name": "Stability Analysis",
            "values": {
                "age": {
                    "stability_analysis_table": [
                        {"bucket": "(-inf, 40.0]", "train_count": 50, "eval_count": 80},
                        {"bucket": "(40.0, inf]", "train_count": 50, "eval_count": 20},
                    ],
                    "stability_index": 0.55,
                }
            },
        }
    ],
}
CLASSIFIED: dict[str, Any] = {"auc": 0.8, "confusion_matrix": [{"no": 0.5, "yes": 0.1}, {"no": 0.15, "yes": 0.25}]}


def verdict(value: object = 0.31, *, passed: bool = False) -> Verdict:
    """Of one table with a threshold at 0.2."""
    rule = RuleOutcome(
        table="thresholds.dmn",
        rule=1 if not passed else 2,
        passes=passed,
        reason="A feature has moved" if not passed else "ok",
    )
    asked = TableOutcome(
        table="thresholds.dmn",
        decision="Data drift",
        matched=1,
        rules=2,
        conditions=[f"{METRIC} > 0.2", f"{METRIC} <= 0.2 and not_compared_count <= 0"],
        values={METRIC: str(value), "not_compared_count": "1"},
    )
    return Verdict(judged=True, passed=passed, rules=[rule], tables=[asked], judged_at=BEGAN)


def result(values: dict[str, Any], night: int = 9, **more: Any) -> TestResultRecord:
    """Of a monitor, so many nights after the first one."""
    made: dict[str, Any] = {
        "id": f"result-{night}",
        "snapshot_id": "snapshot-1",
        "job_id": "job-1",
        "created": BEGAN + timedelta(days=night),
        "purpose": Purpose.MONITOR,
        "values": values,
        "provenance": Provenance(
            job_id="job-1",
            runtime="lab-1",
            versions={"python": "3.12.1", "libraries": {"pandas": "3.0.1"}},
            inputs={"baseline.csv": "a" * 64},
            source={"monitor.py": "b" * 64},
            read=["baseline.csv", "production.csv"],
            parameters={"days": 7, "api_token": "hush"},
        ),
    }
    return TestResultRecord(**made | more)
