"""Monitors: which ones a snapshot should carry, and adding those that are missing."""

from dataclasses import dataclass

from temporalio import activity

from activities.deployments import previous_deployed_snapshot
from activities.failures import translated
from activities.schedules import copied
from mlc.center import Center, wire
from mlc.model.base import Record
from mlc.model.short import beginning
from mlc.model.snapshot import AssetRole
from mlc.settings import CenterSettings

EVERYWHERE = (
    "Data Drift Monitor: Comprehensive Analysis",
    "Concept Drift Monitor: Comprehensive Analysis",
    "Stability Monitor: PSI/CSI",
)
REGRESSION = ("Performance Monitor: Regression", *EVERYWHERE)
CLASSIFICATION = ("Performance Monitor: Classification", *EVERYWHERE)

MONITOR_CATEGORY = "MODEL_MONITORING_MODEL"


class MonitorsAdded(Record):
    """Names of the monitors that were added, and a sentence for each that could not be, or should be checked."""

    added: list[str] = []
    warnings: list[str] = []


@dataclass
class MonitorActivities:
    center: Center
    center_settings: CenterSettings

    @activity.defn
    async def add_missing_monitors(self, snapshot_id: str) -> MonitorsAdded:
        """Put the out-of-the-box monitors of the snapshot's methodology on it; those already there stay as they are.

        A monitor that the previously deployed snapshot carries brings its schedules and thresholds along.
        """
        with translated():
            snapshot = await self.center.get_snapshot(snapshot_id)
            present = {monitor_name(association) for association in snapshot.associated_models}
            names, warnings = wanted_monitors(snapshot)
            missing = [name for name in names if name not in present]
            if not missing:
                return MonitorsAdded(warnings=warnings)
            previous = await previous_deployed_snapshot(self.center, self.center_settings, snapshot)
            inherited = {monitor_name(a): a for a in previous.associated_models} if previous else {}
            associations = []
            for name in missing:
                association = await self._association(name, snapshot, previous, inherited.get(name))
                if isinstance(association, str):
                    warnings.append(beginning(association, 250))
                else:
                    associations.append(association)
            if associations:
                everything = [a.wire() for a in [*snapshot.associated_models, *associations]]
                await self.center.patch_snapshot(snapshot_id, {"associatedModels": everything})
        return MonitorsAdded(added=[monitor_name(a) for a in associations], warnings=warnings)

    async def _association(
        self,
        name: str,
        snapshot: wire.DeployableModel,
        previous: wire.DeployableModel | None,
        inherited: wire.Association | None,
    ) -> wire.Association | str:
        """The monitor as it goes on the snapshot, or why it can't."""
        models = await self.center.find_stored_models(name, category=MONITOR_CATEGORY)
        monitor = await self.center.latest_snapshot(models[0].id or "") if models else None
        if monitor is None:
            return f"Monitor {name!r} was not added: the model centre has no snapshot of a monitor of this name."
        needed = [str(asset.get("assetRole")) for asset in monitor.stored_model.required_assets]
        by_role = {asset.asset_role: asset for asset in snapshot.stored_model.model_assets}
        lacking = [role for role in needed if role not in by_role]
        if lacking:
            return f"Monitor {name!r} was not added: the snapshot has no asset with the role {' or '.join(lacking)}."
        assets = [by_role[role].model_copy(update={"usage": "INPUT_ASSET"}) for role in needed]
        if inherited:
            assets += [a for a in inherited.association_assets if a.asset_role == AssetRole.TEST_RESULT_COMPARATOR]
        custom = monitor.stored_model.model_meta_data.custom
        return wire.Association(
            association_type="DEPLOYABLE_MODEL_ASSOCIATION",
            association_role=str(custom.get("defaultAssociationRole", "METRICS_MODEL")),
            association_assets=assets,
            schedules=[copied(s, previous.id, snapshot.id) for s in inherited.schedules]
            if previous and inherited
            else [],
            associated_model=monitor.wire(),
        )


def wanted_monitors(snapshot: wire.DeployableModel) -> tuple[tuple[str, ...], list[str]]:
    """The monitors for the model's methodology, and a warning where the methodology does not decide."""
    methodology = snapshot.stored_model.model_meta_data.model_methodology or ""
    if "regression" in methodology.casefold():
        return REGRESSION, []
    if "classification" in methodology.casefold():
        return CLASSIFICATION, []
    said = f"is {beginning(methodology, 100)!r}" if methodology else "is not given"
    return CLASSIFICATION, [f"The model's methodology {said}: it got the monitors of a classification model."]


def monitor_name(association: wire.Association) -> str:
    """The name of the monitor (its stored model) behind an association."""
    model = association.associated_model
    stored = model.get("storedModel", {}) if isinstance(model, dict) else {}
    return str(stored.get("modelMetaData", {}).get("name") or model.get("metaData", {}).get("name", ""))
