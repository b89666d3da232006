"""The out-of-the-box monitors as a process finds them."""

import pytest

from mlc.center.modelop.client import ModelManage

BOTH = ["BASELINE_DATA", "COMPARATOR_DATA"]


@pytest.mark.parametrize(
    ("name", "roles", "association_role"),
    [
        ("Performance Monitor: Classification", ["COMPARATOR_DATA"], "PERFORMANCE_MODEL"),
        ("Performance Monitor: Regression", ["COMPARATOR_DATA"], "PERFORMANCE_MODEL"),
        ("Data Drift Monitor: Comprehensive Analysis", BOTH, "DATA_DRIFT_MODEL"),
        ("Concept Drift Monitor: Comprehensive Analysis", BOTH, "DATA_DRIFT_MODEL"),
        ("Stability Monitor: PSI/CSI", BOTH, "DATA_DRIFT_MODEL"),
    ],
)
async def test_a_monitor_is_there_by_name(
    center: ModelManage, name: str, roles: list[str], association_role: str
) -> None:
    (monitor,) = await center.find_stored_models(name, category="MODEL_MONITORING_MODEL")
    assert monitor.group == "ALL"
    assert [asset["assetRole"] for asset in monitor.required_assets] == roles
    assert {asset["usage"] for asset in monitor.required_assets} == {"INPUT_ASSET"}
    assert monitor.model_meta_data.custom["defaultAssociationRole"] == association_role
    snapshot = await center.latest_snapshot(monitor.id or "")
    assert snapshot is not None
    assert snapshot.meta_data.name == f"{name}_v1"
    assert snapshot.stored_model.required_assets == monitor.required_assets
