"""Everything that ModelOp's material leaves open, at another value than the usual one."""

from typing import Any

from mlc.center.modelop.settings import CenterSettings

OTHER_WORDS: dict[str, Any] = {
    "training_job_type": "TRAIN",
    "metrics_job_type": "MEASURE",
    "scoring_job_type": "SCORE",
    "running_status": "AT_WORK",
    "cancelled_status": "CALLED_OFF",
    "failure_result": "WENT_WRONG",
    "state_field": "lifecycle",
    "deployed_state": "LIVE",
    "undeployed_state": "RETIRED",
    "deploying_state": "STARTING",
    "failed_state": "BROKEN",
    "runtime_field": "runsOn",
    "stage_field": "environment",
    "messages_field": "remarks",
    "endpoint_type": "HTTP",
    "one_model_engines": "SOLO_ENGINE",
    "signal_name_field": "send",
    "time_zone_field": "zone",
    "train_function_field": "fitFunction",
    "result_snapshot_field": "snapshotRef",
    "result_job_field": "ranAs",
    "result_monitor_field": "watchedBy",
    "expiration_field": "validUntil",
    "test_results": "evidence",
    "runtimes": "machines",
    "deployments": "rollouts",
    "assets": "looseFiles",
    "decision_records": "minutes",
    "find_models_by_name": "called?called",
    "find_snapshots_by_model": "ofModel?model",
    "find_jobs_by_key": "keyed?of,key",
    "find_jobs_by_snapshot": "jobsOfSnapshot?of",
    "find_results_by_snapshot": "ofSnapshot?of",
    "find_deployments_by_model": "",
    "find_deployments_by_snapshot": "ofSnapshot?of",
    "find_deployments_by_engine": "",
    "find_deployments_by_state": "inState?now",
    "find_decisions_by_snapshot": "minutesOf?of",
    "find_notifications_by_snapshot": "about?snapshot",
}

OTHER_TAGS = {"train_tag": "fit", "run_test_tag": "measure", "review_tag": "ask"}
"""The control tags, at other values than the usual ones."""


def left_open() -> list[str]:
    """The settings whose descriptions say that their values are not proven."""
    return [name for name, field in CenterSettings.model_fields.items() if "not proven" in (field.description or "")]
