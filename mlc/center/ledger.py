"""What the processes need of a ledger: all that happens to models, from jobs to notifications."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from mlc.center.capability import Capability
from mlc.center.catalogue import Contents, NewFile
from mlc.center.online_requests import OnlineRequests
from mlc.center.policies import Policies
from mlc.model.asset import Asset
from mlc.model.breach import Breach
from mlc.model.change import Changes
from mlc.model.decision import DecisionRecord
from mlc.model.deployment import DeploymentRecord, DeploymentState, Rank, Runtime, RuntimeRef
from mlc.model.job import JobEnding, JobKind, JobRecord
from mlc.model.notification import Notification
from mlc.model.result import TestResultRecord
from mlc.model.schedule import Schedule, Timing
from mlc.model.snapshot import DecisionEntry, Snapshot, Submission
from mlc.model.truth import KeptTruth, Truth
from mlc.model.verdict import Verdict


class NewJob(NamedTuple):
    """A job to be created. The same ``key`` never makes a second one."""

    key: str
    kind: JobKind
    workflow_id: str
    snapshot: Snapshot
    """Open: what it holds is what the job runs on. Or named by its id alone, where the centre ``EMBEDS_BY_ID``."""
    inputs: Sequence[Asset]
    """Assets of the snapshot, files of ``open_file``, or files at an address (made here, without ``ref``)."""
    outputs: Sequence[Asset]
    """Where results go: names, formats, perhaps addresses."""
    runtime: RuntimeRef | None = None
    """Where it is to run; None: the centre chooses."""
    parameters: Mapping[str, Any] = MappingProxyType({})
    """What its code is told besides."""
    reference: Snapshot | None = None
    """Of a monitor's job the snapshot that it watches (ModelOp's reference model), open: its code is told of it."""


class NewDeployment(NamedTuple):
    """A deployment to be created. The same ``key`` never makes a second one."""

    key: str
    snapshot: Snapshot
    """Open."""
    stage: str
    runtime: Runtime | None = None
    """None: a batch deployment, which is deployed at once."""
    rank: Rank | None = None
    """Kept with it (``DeploymentRecord.placed``). One with a rank is ``provisional`` until it is confirmed."""


class NewMonitor(NamedTuple):
    """A monitor to be put on a snapshot."""

    monitor: Snapshot
    """The monitor's own snapshot, open."""
    inputs: Sequence[Asset]
    """The snapshot's assets that it reads."""
    tables: Sequence[Asset]
    """Decision tables that it brings along, from a snapshot that is open."""
    schedules: Sequence[Schedule]
    timing: Timing | None = None
    """When it is to run, beside its schedules: by one whose id follows from the snapshot and the monitor's name."""


class After(NamedTuple):
    """A deployment as it is after a change."""

    deployment: DeploymentRecord
    beside: list[DeploymentRecord] | None = None
    """The deployments of its model after the change, newest first, if the centre has told them along; else None."""


class Ledger(Contents, OnlineRequests, Policies, Protocol):
    """What happens to models. Every method raises :mod:`mlc.model.failure`'s three errors, nothing else.

    Creating verbs write once: an ``Unavailable`` with ``maybe_done`` says that it may have happened, and finding by the
    key tells. Where the ledger is ours a unique index on kind and key makes a second creation impossible; it answers
    with the first one. All other verbs can be repeated.
    """

    @property
    def capabilities(self) -> Collection[Capability]: ...

    # Jobs

    async def get_job(self, job_id: str) -> JobRecord: ...

    def open_job(self, job_id: str) -> AbstractAsyncContextManager[JobRecord]:
        """The job, with the contents of all that it carries at hand for as long as the block lasts."""
        ...

    async def find_job(self, snapshot_id: str, key: str) -> JobRecord | None:
        """The oldest job of this snapshot with this key."""
        ...

    async def list_scoring_jobs(self, snapshot_id: str, *, most: int) -> list[JobRecord]:
        """Scoring jobs of a snapshot that were a success, newest first, at most so many."""
        ...

    async def create_job(self, job: NewJob) -> JobRecord: ...

    async def cancel_job(self, job_id: str) -> None:
        """Ask that a job be ended. One that has ended stays as it is; one that is gone needs no end."""
        ...

    async def begin_job(self, job_id: str) -> None:
        """A runtime has begun to run it."""
        ...

    async def report_job(self, job_id: str, doing: str) -> None:
        """Say what a job that runs does just now, for people. One that has ended stays as it is."""
        ...

    async def end_job(self, job_id: str, ending: JobEnding, outputs: Sequence[NewFile | Asset] = ()) -> JobRecord:
        """A runtime has ended it, with these outputs. A job that has ended already stays as it is, and is returned.

        ``ending.messages`` take the place of those that were there.
        """
        ...

    # Files that belong to no model

    async def keep_file(self, file_id: str, asset: Asset, content: bytes) -> str:
        """Keep a file under an id (a UUID); the same again changes nothing. The id under which it is kept.

        Raises:
            Unsupported: there is no place for such files (``KEEPS_FILES``).
        """
        ...

    async def keep_asset(self, asset_id: str, document: bytes) -> str:
        """Keep an asset that is given in the centre's own words, as JSON; otherwise as ``keep_file``.

        It may hold secrets, such as an account: what is said of it is its name.

        Raises:
            Unsupported: its runtimes could not read it (``READS_ANY_ASSET``).
        """
        ...

    def open_file(self, file_id: str) -> AbstractAsyncContextManager[Asset]: ...

    # Truth: labels of what a model has scored, which come later

    async def keep_truth(self, model_id: str, rows: Sequence[Truth]) -> KeptTruth:
        """Keep truth of a model, at most ``MOST_AT_ONCE`` rows; of each record the one with the last time is right.

        The same again changes nothing.

        Raises:
            NotFound: there is no such model.
            Unsupported: there is no place for truth (``KEEPS_TRUTH``), as the other two do.
        """
        ...

    async def forget_truth(self, model_id: str, identifier: str) -> bool:
        """Forget the truth of a record; False if there was none. Files that jobs have read stay."""
        ...

    def open_truth(self, model_id: str) -> AbstractAsyncContextManager[Asset | None]:
        """All truth of a model at this moment, as a file (``mlc.model.truth.COLUMNS``); None if there is none."""
        ...

    # Test results, verdicts and decisions

    async def get_test_result(self, result_id: str) -> TestResultRecord: ...

    async def list_test_results(self, snapshot_id: str) -> list[TestResultRecord]:
        """Of a snapshot, newest first."""
        ...

    def page_of_result(self, result_id: str) -> str | None:
        """The address of a test result's page, for people; None where there is none, or nobody said where."""
        ...

    def iter_test_results(self, snapshot_id: str) -> AsyncGenerator[TestResultRecord]:
        """The same, read a page at a time, for those who stop in between: a monitor adds one each night."""
        ...

    async def keep_test_result(self, result: TestResultRecord) -> TestResultRecord:
        """Keep a result, once a job (``result.job_id``): the oldest of that job is returned if there is one."""
        ...

    async def record_verdict(self, result_id: str, verdict: Verdict) -> None: ...

    async def record_breach(self, result_id: str, breach: Breach | None) -> None:
        """Write on a monitor's result to which question it belongs."""
        ...

    async def record_submission(self, snapshot: Snapshot, submission: Submission) -> None: ...

    async def record_decision(self, snapshot: Snapshot, entry: DecisionEntry) -> None:
        """Write the latest decision on the snapshot itself."""
        ...

    async def append_decision(self, record: DecisionRecord) -> DecisionRecord:
        """Add an entry to a run's decision record. One of this key stays as it is, and is returned.

        Raises:
            Unsupported: there is no place for decision records (``KEEPS_DECISIONS``).
        """
        ...

    async def list_decisions(self, snapshot_id: str) -> list[DecisionRecord]:
        """All entries about a snapshot, of every run, the oldest first; none if it is gone."""
        ...

    # Runtimes

    async def list_runtimes(self) -> list[Runtime]: ...

    async def register_runtime(self, runtime: Runtime) -> Runtime:
        """Create the runtime of this name, or update it; a ``heartbeat`` says that it was heard of."""
        ...

    # Deployments and their schedules

    async def get_deployment(self, deployment_id: str) -> DeploymentRecord: ...

    def open_deployment(self, deployment_id: str) -> AbstractAsyncContextManager[DeploymentRecord]:
        """The deployment with its snapshot, and with its contents at hand for as long as the block lasts."""
        ...

    async def list_deployments(
        self, *, model_id: str | None = None, snapshot_id: str | None = None, runtime_id: str | None = None
    ) -> list[DeploymentRecord]:
        """Newest first, in every state."""
        ...

    def iter_deployments(self, *, state: DeploymentState | None = None) -> AsyncGenerator[DeploymentRecord]:
        """Newest first, of all states or of one; read a page at a time, for those who stop in between."""
        ...

    async def changes(self, since: datetime | None) -> Changes | None:
        """What deployments and snapshots that were made or changed after a moment are about. None: it can't tell.

        What was deleted is in no listing, and so not here. Without ``since`` only when the last change was.
        """
        ...

    async def create_deployment(self, deployment: NewDeployment) -> DeploymentRecord: ...

    async def finish_loading(
        self,
        deployment_id: str,
        state: DeploymentState,
        messages: Sequence[str] = (),
        *,
        address: str = "",
        warning: str = "",
    ) -> DeploymentRecord:
        """A runtime has loaded a deployment (``DEPLOYED``), or could not (``FAILED``).

        Only one that is being loaded changes; any other stays as it is, but that one which is deployed gets the
        ``address`` at which it is served now. Returns what it is then.
        """
        ...

    async def confirm_deployment(self, deployment_id: str, *, beside: bool = False) -> After:
        """Its run takes it back no more: it is not ``provisional`` any longer. Its state stays what it is.

        Args:
            beside: the model's deployments will be asked for next.
        """
        ...

    async def end_deployment(self, deployment_id: str, *, beside: bool = False) -> After | None:
        """Undeploy, and drop its schedules; None if it is gone. ``beside`` as in ``confirm_deployment``."""
        ...

    async def set_schedules(self, deployment_id: str, schedules: Sequence[Schedule]) -> None:
        """These schedules and no others."""
        ...

    async def add_monitors(self, snapshot: Snapshot, monitors: Sequence[NewMonitor]) -> None:
        """Put further monitors on an open snapshot; those that are there stay byte for byte as they are."""
        ...

    # Notifications

    async def list_notifications(self, *, snapshot_id: str | None = None) -> list[Notification]:
        """Newest first; without a snapshot the newest ones of them all, of a number that a setting limits."""
        ...

    async def create_notification(self, notification: Notification, *, once: bool = False) -> Notification:
        """``once``: there is to be one of its key, where the centre can see to that (``CREATES_ONCE``)."""
        ...

    async def close_notification(self, notification_id: str, message: str) -> None:
        """Nobody needs to see to it any more; ``message`` is its text from now on."""
        ...

    # What model code is given

    async def save_definition(self, owner: JobRecord | DeploymentRecord, path: Path) -> None:
        """Write the centre's own JSON document of an open job or deployment to a file, as model code reads it."""
        ...
