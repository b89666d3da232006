"""The monitors give what ModelOp has published, to the last decimal: figures only, with where they stand.

`lab`: `example_model_test_result.json` of github.com/modelop/lab_monitor @4c9a723. Its data are not published; they
follow from its own summary (count, mean, quartiles, extremes) and those of an earlier result of the same data with two
records less (github.com/merhi-odg/dummy_monitoring_test_results @18efd68): amount [100, 125, 150, 175, 175, 175, 175,
200] has that one's mean 159.375 and quartiles, and 130 more makes the mean 156.1111.

`documented`: the examples with which the library's documentation shows its calls.
"""

import pandas as pd
import pytest
from monitors.frames import field, frame, named, plain, schema

from mlc.monitors.drift import DriftSettings, concept_drift, data_drift
from mlc.monitors.stability import stability

LAB = (
    frame(
        amount=[100, 125, 130, 150, 175, 175, 175, 175, 200],
        num_cards=[0, 1, 1, 2, 3, 5, 6, 7, 9],
        gender=["male"] * 6 + ["female"] * 3,
        label=[1] * 5 + [0] * 4,
    ),
    frame(
        amount=[125, 150, 175, 190, 190, 200, 200],
        num_cards=[1, 1, 2, 2, 3, 5, 8],
        gender=["male"] * 4 + ["female"] * 3,
        label=[0] * 4 + [1] * 3,
    ),
)
LAB_SCHEMA = schema(
    field("amount"),
    field("num_cards"),
    field("gender", data_class="categorical"),
    field("label", "score", "categorical"),
)
DOCUMENTED = (
    frame(
        gender=["male", "female", "male", "male", "female"],
        amount=[100, 200, 150, 125, 175],
        probability=[0.2, 0.9, 0.3, 0.1, 0.8],
    ),
    frame(
        gender=["female", "female", "female", "male", "male"],
        amount=[125, 150, 175, 200, 190],
        probability=[0.1, 0.7, 0.6, 0.8, 0.4],
    ),
)
DOCUMENTED_SCHEMA = schema(field("gender", data_class="categorical"), field("amount"), field("probability", "score"))


@pytest.fixture(scope="module")
def lab() -> dict:
    return plain(data_drift(*LAB, LAB_SCHEMA))


def test_data_drift_has_the_published_scalars(lab: dict) -> None:
    published = {
        "DataDrift_maxJensen-ShannonDistance": 0.1362,
        "DataDrift_maxJensen-ShannonDistanceFeature": "amount",
        "DataDrift_minJensen-ShannonDistance": 0.0694,
        "DataDrift_minJensen-ShannonDistanceFeature": "gender",
        "DataDrift_maxKolmogorov-SmirnovPValue": 0.9888,
        "DataDrift_maxKolmogorov-SmirnovPValueFeature": "num_cards",
        "DataDrift_minKolmogorov-SmirnovPValue": 0.2701,
        "DataDrift_minKolmogorov-SmirnovPValueFeature": "amount",
        "DataDrift_maxEpps-SingletonPValue": 0.8178,
        "DataDrift_maxEpps-SingletonPValueFeature": "num_cards",
        "DataDrift_minEpps-SingletonPValue": 0.7513,
        "DataDrift_minEpps-SingletonPValueFeature": "amount",
        "DataDrift_minKullback-LeiblerDivergence": 0.019,
        "DataDrift_minKullback-LeiblerDivergenceFeature": "gender",
    }
    assert {key: lab[key] for key in published} == published


def test_data_drift_has_the_published_blocks_in_their_order(lab: dict) -> None:
    head = ("test_name", "test_category", "test_type", "metric", "test_id")
    assert [tuple(block[key] for key in head) for block in lab["data_drift"]] == [
        ("Epps-Singleton", "data_drift", "epps_singleton", "p_value", "data_drift_epps_singleton_p_value"),
        ("Jensen-Shannon", "data_drift", "jensen_shannon", "distance", "data_drift_jensen_shannon_distance"),
        (
            *("Kullback-Leibler", "data_drift", "kullback_leibler", "divergence"),
            "data_drift_kullback_leibler_divergence",
        ),
        ("Kolmogorov-Smirnov", "data_drift", "kolmogorov_smirnov", "p_value", "data_drift_kolmogorov_smirnov_p_value"),
        ("Summary", "data_drift", "summary", "pandas_describe", "data_drift_summary_pandas_describe"),
    ]
    assert named(lab, "data_drift", "Jensen-Shannon") == {"amount": 0.1362, "num_cards": 0.1088, "gender": 0.0694}
    assert named(lab, "data_drift", "Kolmogorov-Smirnov") == {"amount": 0.2701, "num_cards": 0.9888}
    assert named(lab, "data_drift", "Epps-Singleton") == {"amount": 0.7513, "num_cards": 0.8178}


def test_the_summary_is_the_published_one(lab: dict) -> None:
    quartiles = ("count", "mean", "std", "min", "25%", "50%", "75%", "max")
    amount = named(lab, "data_drift", "Summary")["numerical_comparisons"]["amount"]
    assert amount == {
        "baseline": dict(zip(quartiles, (9.0, 156.1111, 31.9939, 100.0, 130.0, 175.0, 175.0, 200.0), strict=True)),
        "sample": dict(zip(quartiles, (7.0, 175.7143, 28.3473, 125.0, 162.5, 190.0, 195.0, 200.0), strict=True)),
    }
    assert named(lab, "data_drift", "Summary")["categorical_comparisons"] == {
        "gender": {
            "baseline": {"count": 9, "unique": 2, "top": "male", "freq": 6},
            "sample": {"count": 7, "unique": 2, "top": "male", "freq": 4},
        }
    }


def test_concept_drift_has_the_published_scalars() -> None:
    result = plain(concept_drift(*LAB, LAB_SCHEMA))
    published = {
        "ConceptDrift_maxJensen-ShannonDistanceValue": 0.0899,
        "ConceptDrift_maxJensen-ShannonDistanceValueFeature": "label",
        "ConceptDrift_minJensen-ShannonDistanceValue": 0.0899,
        "ConceptDrift_minJensen-ShannonDistanceValueFeature": "label",
        "ConceptDrift_maxKolmogorov-SmirnovPValueValue": 1.0,
        "ConceptDrift_minKolmogorov-SmirnovPValueValue": 1.0,
        "ConceptDrift_maxEpps-SingletonPValueValue": None,
        "ConceptDrift_maxEpps-SingletonPValueValueFeature": "label",
        "ConceptDrift_minEpps-SingletonPValueValue": None,
        "ConceptDrift_minEpps-SingletonPValueValueFeature": "label",
        "ConceptDrift_maxKullback-LeiblerDivergenceValue": 0.0325,
        "ConceptDrift_minKullback-LeiblerDivergenceValue": 0.0325,
    }
    assert {key: result[key] for key in published} == published
    assert named(result, "concept_drift", "Kolmogorov-Smirnov") == {"label": 1.0}


def test_data_drift_has_the_documented_values_and_keys_of_each_column() -> None:
    result = plain(data_drift(*DOCUMENTED, DOCUMENTED_SCHEMA))
    documented = {
        "gender_js_distance": 0.1419,
        "amount_js_distance": 0.1215,
        "DataDrift_maxJensen-ShannonDistance": 0.1419,
        "DataDrift_maxJensen-ShannonDistanceFeature": "gender",
        "amount_ks_pvalue": 1.0,
        "amount_es_pvalue": 0.9579,
        "amount_kl_divergence": 0.2773,
        "gender_kl_divergence": 0.0811,
    }
    assert {key: result[key] for key in documented} == documented


def test_concept_drift_has_the_documented_values() -> None:
    result = plain(concept_drift(*DOCUMENTED, DOCUMENTED_SCHEMA, settings=DriftSettings(buckets=3, decimals=3)))
    tests = ("Jensen-Shannon", "Kolmogorov-Smirnov", "Epps-Singleton", "Kullback-Leibler")
    found = [named(result, "concept_drift", test)["probability"] for test in tests]
    assert found == [0.118, 0.873, 0.38, 0.659]


def test_stability_has_the_documented_tables_with_special_values_and_weights() -> None:
    baseline = frame(
        weight=[1, 1, 2, 1, 3],
        amount=[100, 200, 150, 125, 175],
        ownership=["own", "rent", "own", "rent", "own"],
        score=[0, 1, 1, 0, 1],
    )
    sample = frame(
        weight=[2, 1, 1, 3, 1],
        amount=[125, 150, 175, 200, 190],
        ownership=["rent", "rent", "own", "own", "rent"],
        score=[0, 1, 0, 0, 0],
    )
    described = schema(
        field("amount", specialValues=[[100, 125], [175]]),
        field("ownership", data_class="categorical"),
        field("score", "score", "categorical"),
        field("weight", "weight"),
    )
    result = plain(stability(baseline, sample, described))
    assert [
        result["CSI_maxCSIValue"],
        result["CSI_maxCSIValueFeature"],
        result["CSI_minCSIValue"],
        result["CSI_minCSIValueFeature"],
    ] == [0.881156, "amount_CSI", 0.274653, "ownership_CSI"]
    values = named(result, "stability", "Stability Analysis")
    shown = ("bucket", "train_count", "eval_count", "ks_calc", "chisq_calc", "psi_calc")

    def table(name: str) -> list[tuple]:
        return [tuple(row[key] for key in shown) for row in values[name]["stability_analysis_table"]]

    assert table("amount") == [
        ("100 125 ", 2, 2, 0.0, 0.0, 0.0),
        ("175 ", 3, 1, 0.25, 0.166667, 0.274653),
        ("(-inf, 150.0]", 2, 1, 0.375, 0.0625, 0.086643),
        ("(150.0, inf]", 1, 4, 0.0, 1.125, 0.51986),
    ]
    assert [values["amount"][key] for key in ("stability_index", "stability_chisq", "stability_ks")] == [
        *(0.881156, 1.354167, 0.375),
    ]
    assert table("ownership") == [("own", 6, 4, 0.25, 0.083333, 0.101366), ("rent", 2, 4, 0.0, 0.25, 0.173287)]
    assert table("score") == [("0", 2, 7, 0.625, 1.5625, 0.782977), ("1", 6, 1, 0.0, 0.520833, 1.11985)]


def test_stability_has_the_published_table() -> None:
    """`lab`, its column amount: records by bucket and score, as weights of one record each."""
    baseline = pd.DataFrame(
        [(100, 0, 1), (125, 1, 2), (175, 0, 2), (175, 1, 4), (150, 1, 3), (200, 0, 1)],
        columns=["amount", "score", "weight"],
    )
    sample = pd.DataFrame(
        [(125, 0, 1), (175, 0, 2), (150, 1, 1), (200, 0, 4), (190, 1, 1)], columns=["amount", "score", "weight"]
    )
    described = schema(
        field("amount", specialValues=[{"values": [100, 125]}, {"values": [175]}]),
        field("score", "score", "categorical"),
        field("weight", "weight"),
    )
    result = plain(stability(baseline, sample, described))
    assert (result["amount_CSI"], result["score_PSI"]) == (1.296161, 0.970112)
    block = result["stability"][0]
    assert [block[key] for key in ("test_name", "test_category", "test_type", "test_id")] == [
        *("Stability Analysis", "stability", "stability_analysis", "stability_stability_analysis")
    ]
    keys = (
        *("bucket", "train_count", "eval_count", "train_percent", "eval_percent", "train_mean_score"),
        *("eval_mean_score", "score_mean_diff", "train_cum_percent", "eval_cum_percent", "ks_calc", "chisq_calc"),
        "psi_calc",
    )
    rows = [
        (
            "100 125 ",
            3,
            1,
            0.230769,
            0.111111,
            0.666667,
            0.0,
            -0.666667,
            0.230769,
            0.111111,
            0.119658,
            0.062045,
            0.087457,
        ),
        ("175 ", 6, 2, 0.461538, 0.222222, 0.666667, 0.0, -0.666667, 0.692308, 0.333333, 0.358974, 0.12409, 0.174913),
        ("(-inf, 150.0]", 3, 1, 0.230769, 0.111111, 1.0, 1.0, 0.0, 0.923077, 0.444444, 0.478632, 0.062045, 0.087457),
        ("(150.0, inf]", 1, 5, 0.076923, 0.555556, 0.0, 0.2, 0.2, 1.0, 1.0, 0.0, 2.978158, 0.946334),
    ]
    assert block["values"]["amount"] == {
        "stability_analysis_table": [dict(zip(keys, row, strict=True)) for row in rows],
        "stability_index": 1.296161,
        "stability_chisq": 3.226338,
        "stability_ks": 0.478632,
    }
