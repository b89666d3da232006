"""The out-of-the-box monitors that standalone mode has, as ModelOp names them."""

_BASELINE, _COMPARATOR = "BASELINE_DATA", "COMPARATOR_DATA"

# name: (description, roles of the assets that it reads, role of its association)
MONITORS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "Performance Monitor: Classification": (
        "Accuracy, precision, recall, F1, AUC and confusion matrix of labelled, scored records.",
        (_COMPARATOR,),
        "PERFORMANCE_MODEL",
    ),
    "Performance Monitor: Regression": (
        "MAE, RMSE and R2 of labelled, scored records.",
        (_COMPARATOR,),
        "PERFORMANCE_MODEL",
    ),
    "Data Drift Monitor: Comprehensive Analysis": (
        "How far the features have moved from the baseline: KS, Epps-Singleton, Jensen-Shannon, Kullback-Leibler.",
        (_BASELINE, _COMPARATOR),
        "DATA_DRIFT_MODEL",
    ),
    "Concept Drift Monitor: Comprehensive Analysis": (
        "How far the scores have moved from the baseline, by the same tests.",
        (_BASELINE, _COMPARATOR),
        "DATA_DRIFT_MODEL",
    ),
    "Stability Monitor: PSI/CSI": (
        "Population and characteristic stability indices of score and features against the baseline.",
        (_BASELINE, _COMPARATOR),
        "DATA_DRIFT_MODEL",
    ),
}
