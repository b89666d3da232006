"""What can go wrong: with a system outside, in three words; and the tree of all exceptions of the project.

    MlcError
        AccountRefused
        AddressRefused
            _Busy
        BadAccounts
        BadAddress
        BadContent
        BadData
        BadEvent
        BadFile
        BadMessage
        BadModelFolder
        BadName
        BadRequest
        BadSignal
            BadVariable
            UnknownSignal
        BrokenContents
        CannotIsolate
        CannotKeep
        CannotStart
        Closed
        Conflict
        Damaged
        DatabaseProblem
        EngineFailed
        ExternalError
            Refused
                AnotherFile
                Misdirected
                NotFound
                TooLarge
                Unsupported
            Unavailable
                Garbled
        Forbidden
        ForgedForm
        Invalid
        KeyReused
        Known
        Misplaced
        ModelDied
        NoApprover
        NoNamespace
        NoPolicy
        NoRoom
        NoSuchEntity
        NoSuchMonitor
        NoSuchTicket
        NoSuchToken
        NoTable
        NoTruth
        NotAllowed
        NotClear
        NotConfigured
        NotEmbedded
        NotEmpty
        NotFired
        NotJson
        NotPlain
        NotReady
        NotServing
            ModelBusy
            NoSuchDeployment
                SeveralModels
        NotSetUp
        NotSignedIn
        NotSorted
        NotText
        NotTransferred
        Outdated
        PartsLost
        PolicyError
        StaleForm
        Stopped
        Taken
        TemporalDown
            TemporalRefused
            TooMany
        TooLong
        TooManyAttempts
        TooMuch
        Unauthorized
        UnknownFile
        Unreadable
        Unsatisfiable
        UnusableFile
        WrongHash
        _Enough
        _LineRefused
        _NoSource
        _Twice
        _Unwritable

The decision tables, the monitors and the harness that runs models stand alone, and so do theirs: ``DmnError``,
``MonitorError`` and ``ModelFailure``.
"""

from datetime import timedelta
from enum import StrEnum


class MlcError(Exception):
    """Base of every exception of the project, but of the rooms that stand alone."""


class ExternalError(MlcError):
    """Base of what an adapter raises. The text is one sentence for a person, without secrets.

    Attributes:
        system: which system answered (or didn't), such as ``"model centre"`` or ``"Jira"``.
    """

    def __init__(self, system: str, message: str) -> None:
        super().__init__(message)
        self.system = system


class Unavailable(ExternalError):
    """The system did not do what was asked, and may do so later.

    Attributes:
        retry_after: what the system asked for (``Retry-After``), if anything.
        maybe_done: True when a write may have taken effect although no good answer came back
            (dropped connection, read timeout, 500, 502, 504): look before writing again.
        status: the HTTP status by which it said "later" (such as 409 or 429), if it did.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        retry_after: timedelta | None = None,
        maybe_done: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(system, message)
        self.retry_after = retry_after
        self.maybe_done = maybe_done
        self.status = status


class Refused(ExternalError):
    """The system said no, and will say so again: somebody has to change something.

    Attributes:
        status: the HTTP status of the answer.
    """

    def __init__(self, system: str, message: str, *, status: int) -> None:
        super().__init__(system, message)
        self.status = status


class NotFound(Refused):
    """There is no such thing there (404, 410)."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(system, message, status=404)


class Misdirected(Refused):
    """The address in the settings leads elsewhere. Nothing was done there: a redirect is never followed.

    Attributes:
        address: what to set instead; None if the same thing isn't there (a page that asks for a login, say).
    """

    def __init__(self, system: str, message: str, *, status: int, address: str | None) -> None:
        super().__init__(system, message, status=status)
        self.address = address


class TooLarge(Refused):
    """A text that is judged or shown is longer than the setting allows."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(system, message, status=413)


class FailureType(StrEnum):
    """``ApplicationError.type`` of every failure that an activity raises on purpose."""

    OUTAGE = "Outage"
    """A system outside did not answer in time; retried by the server until the outage budget is spent."""
    NOT_SENT = "NotSent"
    """A creating call had no effect for certain: it can be made again at once, or after ``Retry-After``."""
    AMBIGUOUS = "Ambiguous"
    """A creating call may have taken effect: search again after the index lag before making it again."""
    REFUSED = "Refused"
    """A system outside said no for good."""
    NO_SUCH_SNAPSHOT = "NoSuchSnapshot"
    NOT_DEPLOYABLE = "NotDeployable"
    """The snapshot is a monitor's, which is put on other models' snapshots."""
    UNSUPPORTED_MODEL = "UnsupportedModel"
    """No runtime of the centre runs models of this type."""
    MISSING_ASSET = "MissingAsset"
    NOTHING_SCORED_YET = "NothingScoredYet"
    """What a job needs is not on the snapshot, such as a TEST_DATA asset."""
    NOT_FINISHED = "NotFinished"
    """A job or deployment still runs: not a failure (BENIGN), asked again later."""
    JOB_FAILED = "JobFailed"
    JOB_DEADLINE = "JobDeadline"
    RESULT_UNREADABLE = "ResultUnreadable"
    NO_SUCH_MONITOR = "NoSuchMonitor"
    """The snapshot carries no monitor of that name, or several, or none in that role."""
    MISSING_MONITOR = "MissingMonitor"
    """A monitor can't be added, and a setting says that none may be missing."""
    NO_MATCHING_RUNTIME = "NoMatchingRuntime"
    NO_DEPLOYMENT = "NoDeployment"
    """No batch deployment suits the tag and the stage that were asked for."""
    RUNTIME_OCCUPIED = "RuntimeOccupied"
    """A runtime that holds one model only holds another one."""
    DEPLOYMENT_FAILED = "DeploymentFailed"
    CHANGED_SINCE_APPROVAL = "ChangedSinceApproval"
    """What was to be deployed is not what was approved: nothing was deployed, and the reviewer is asked anew."""
    DEPLOYMENT_ABANDONED = "DeploymentAbandoned"
    """How a run of DeployModel ends when a person answers an error ticket with Rejected."""
    NO_TICKET_SYSTEM = "NoTicketSystem"
    """A run's tickets are to go to a system that isn't set up."""
    NO_INPUT = "NoInput"
    WRONG_WORKFLOW_ID = "WrongWorkflowId"
    FORGED_STATE = "ForgedState"
    """A start came with the state of a run that it does not continue."""


def innermost(error: BaseException) -> BaseException:
    """What a failure goes back to, from inside Temporal's wrapping."""
    while isinstance(cause := getattr(error, "cause", None), BaseException):
        error = cause
    return error
