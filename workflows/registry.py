"""Every process that there is: one entry each. Gateway, worker, mirror, commands and documentation are served from it.

No workflow imports this module: it runs nowhere but in the processes that start workflows or run a worker.
"""

from activities.sweep import SweepReport
from mlc.model.file import InputFile, OutputFile
from mlc.model.job import JobParameters
from mlc.model.monitor_processes import (
    LONGEST_NAME,
    RUN_MONITOR,
    RUN_MONITORS,
    UNDEPLOY_MODEL,
    RunMonitorInput,
    RunMonitorResult,
    RunMonitorsInput,
    RunMonitorsResult,
    UndeployModelInput,
    UndeployModelResult,
    monitor_id,
    monitors_id,
    undeploy_id,
)
from mlc.model.process import Process, Processes, Signal, Starts, Variable
from mlc.model.processes import (
    DEPLOY_MODEL,
    RUN_BACK_TEST,
    RUN_BATCH_MODEL_JOB,
    SWEEP_TICKETS,
    DeployModelInput,
    DeployModelResult,
    RunBackTestInput,
    RunBackTestResult,
    RunBatchModelJobInput,
    RunBatchModelJobResult,
    back_test_id,
    batch_job_id,
    deploy_model_id,
)
from mlc.model.schedule import MIRROR_SCHEDULES, MirrorReport
from mlc.model.signal import Id, line
from workflows.deploy_model import DeployModel
from workflows.mirror_schedules import MirrorSchedules
from workflows.run_back_test import RunBackTest
from workflows.run_batch_model_job import RunBatchModelJob
from workflows.run_monitor import RunMonitor
from workflows.run_monitors import RunMonitors
from workflows.sweep_tickets import SweepTickets
from workflows.undeploy_model import UndeployModel

SNAPSHOT = "5a31b3c6-f033-4948-b433-bae6656baa26"
"""An id, for examples."""

JOB_PARAMETERS = Variable(
    "JOB_PARAMETERS", "job_parameters", JobParameters, {"predictionDateColumn": "date"}, required=False
)

BACK_TEST_VARIABLES = (
    # ModelOp's MODEL_ID is the id of a snapshot, and so is the field that has its name.
    Variable("MODEL_ID", "model_id", Id, SNAPSHOT, names_snapshot=True),
    Variable("INPUT_FILE", "input_file", InputFile, required=False),
    Variable("OUTPUT_FILE", "output_file", OutputFile, required=False),
    JOB_PARAMETERS,
)

PROCESSES = Processes(
    Process(
        name=DEPLOY_MODEL,
        workflow=DeployModel,
        summary="Train, test, judge, approve and deploy a snapshot",
        input=DeployModelInput,
        result=DeployModelResult,
        workflow_id=lambda given, _key: deploy_model_id(given.snapshot_id),
        signals=[
            Signal(
                "Signals_deployable_model_changed",
                [Variable("DEPLOYABLE_MODEL", "snapshot_id", Id, {"id": SNAPSHOT}, part="id", names_snapshot=True)],
                "Start DeployModel on a snapshot that was made or has changed",
                starts=Starts.ONCE,
            )
        ],
    ),
    Process(
        name=RUN_BACK_TEST,
        workflow=RunBackTest,
        summary="Test a snapshot on a new set of labelled data",
        input=RunBackTestInput,
        result=RunBackTestResult,
        workflow_id=lambda given, key: back_test_id(given.model_id, key),
        signals=[
            Signal(
                "Signals_Run_Back_Test_Jira",
                BACK_TEST_VARIABLES,
                "Start RunBackTest, with tickets in the system that the name says",
                fixed={"ticketing": "jira"},
            ),
            Signal(
                "Signals_Run_Back_Test_ServiceNow",
                BACK_TEST_VARIABLES,
                "Start RunBackTest, with tickets in the system that the name says",
                fixed={"ticketing": "servicenow"},
            ),
            Signal(
                "Signals_MODEL_BACK_TEST",
                BACK_TEST_VARIABLES,
                "Start RunBackTest (the old name), with tickets where the snapshot's tag or the settings say",
            ),
        ],
    ),
    Process(
        name=RUN_BATCH_MODEL_JOB,
        workflow=RunBatchModelJob,
        summary="Score files with the model that is deployed as batch under a tag",
        input=RunBatchModelJobInput,
        result=RunBatchModelJobResult,
        workflow_id=lambda given, key: batch_job_id(given.tag, key),
        signals=[
            Signal(
                "Signals_DEPLOYED_BATCH_JOB",
                [
                    Variable("TAG", "tag", line(200), "cc-fraud"),
                    Variable("MODEL_STAGE", "model_stage", line(100), "PROD", required=False),
                    Variable("INPUT_FILE", "input_files", list[InputFile], missing="there is nothing to score"),
                    Variable("OUTPUT_FILE", "output_files", list[OutputFile], required=False),
                    JOB_PARAMETERS,
                ],
                "Start RunBatchModelJob",
            )
        ],
    ),
    Process(
        name=RUN_MONITORS,
        workflow=RunMonitors,
        summary="Run a monitor that a snapshot carries, or all of a role",
        input=RunMonitorsInput,
        result=RunMonitorsResult,
        workflow_id=lambda given, key: monitors_id(given.model_id, key),
        for_monitors=True,
        signals=[
            Signal(
                "Signals_RUN_MONITOR",
                [
                    Variable("MODEL_ID", "model_id", Id, SNAPSHOT, names_snapshot=True),
                    Variable("MONITOR", "monitor", line(LONGEST_NAME), "Stability Monitor: PSI/CSI"),
                    Variable("OUTPUT_FILE", "output_file", OutputFile, required=False),
                    JOB_PARAMETERS,
                ],
                "Start RunMonitors for the monitor of a name",
            ),
            Signal(
                "Signals_MODEL_DATA_DRIFT_TEST",
                [
                    Variable("MODEL_ID", "model_id", Id, SNAPSHOT, names_snapshot=True),
                    Variable("OUTPUT_FILE", "output_file", OutputFile, required=False),
                    JOB_PARAMETERS,
                ],
                "Start RunMonitors for the one monitor called Data Drift, or else for all in the role DATA_DRIFT_MODEL",
                fixed={"role": "DATA_DRIFT_MODEL", "called": "Data Drift"},
            ),
        ],
    ),
    Process(
        name=RUN_MONITOR,
        workflow=RunMonitor,
        summary="Run one monitor on the snapshot that carries it, judge its result, and tell of it",
        input=RunMonitorInput,
        result=RunMonitorResult,
        workflow_id=lambda given, _key: monitor_id(given.model_id, given.monitor),
        within=RUN_MONITORS,
    ),
    Process(
        name=UNDEPLOY_MODEL,
        workflow=UndeployModel,
        summary="Ask whether a snapshot is to be taken out of use, and do as the answer says",
        input=UndeployModelInput,
        result=UndeployModelResult,
        workflow_id=lambda given, _key: undeploy_id(given.snapshot_id, given.ticket.label),
        within=RUN_MONITOR,
    ),
    Process(
        name=SWEEP_TICKETS,
        workflow=SweepTickets,
        summary="Compare the open tickets of all waiting runs with the ticket systems",
        result=SweepReport,
    ),
    Process(
        name=MIRROR_SCHEDULES,
        workflow=MirrorSchedules,
        summary="Bring Temporal's Schedules in line with the model centre's",
        result=MirrorReport,
    ),
)
