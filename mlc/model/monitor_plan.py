"""Which of the out-of-the-box monitors a snapshot gets, and why not the others: told before anything is done."""

from collections.abc import Collection, Mapping

from mlc.model.base import OpenEnum, Record
from mlc.model.truncation import truncate

EVERYWHERE = (
    "Data Drift Monitor: Comprehensive Analysis",
    "Concept Drift Monitor: Comprehensive Analysis",
    "Stability Monitor: PSI/CSI",
)
REGRESSION = ("Performance Monitor: Regression", *EVERYWHERE)
CLASSIFICATION = ("Performance Monitor: Classification", *EVERYWHERE)


_BASELINE = "BASELINE_DATA"


class OnMissingMonitor(OpenEnum):
    """What comes of a monitor that can't be added."""

    WARN = "warn"
    """The run's result says so."""
    ASK = "ask"
    """A person is asked: the reviewer, if there is one, else by a ticket of its own."""
    FAIL = "fail"
    """The step fails, as any step does: an error ticket."""
    UNKNOWN = "unknown"
    """As ``FAIL``."""


class MonitorPlan(Record):
    """What becomes of each monitor that a snapshot should carry, by name.

    ``lacking`` are those that can't be added, and why: the end of a sentence, without its point. ``warnings`` are
    whole sentences about the choice.
    """

    there: list[str] = []
    add: list[str] = []
    lacking: dict[str, str] = {}
    warnings: list[str] = []


def wanted_monitors(methodology: str) -> tuple[tuple[str, ...], list[str]]:
    """The monitors for a model's methodology, and a warning where the methodology does not decide."""
    if "regression" in methodology.casefold():
        return REGRESSION, []
    if "classification" in methodology.casefold():
        return CLASSIFICATION, []
    said = f"is {truncate(methodology, 100)!r}" if methodology else "is not given"
    return CLASSIFICATION, [f"The model's methodology {said}: it gets the monitors of a classification model."]


def remedy(absent: Collection[str], snapshot_id: str = "") -> str:
    """How a snapshot comes to assets of roles that it lacks, as the end of a sentence; empty where nobody can know."""
    return f"; mlc monitor baseline {snapshot_id or 'SNAPSHOT'} makes one" if _BASELINE in absent else ""


def plan_monitors(
    methodology: str,
    *,
    present: Collection[str],
    roles: Collection[str],
    needed: Mapping[str, Collection[str]],
    unclear: Mapping[str, str] = {},
) -> MonitorPlan:
    """Decide from plain values; whoever adds monitors and whoever only tells of them ask the same.

    Args:
        present: names of the monitors that the snapshot carries already; they stay as they are.
        roles: roles of the assets that the snapshot has.
        needed: by the name of each monitor that the model centre has, the roles of the assets that it reads.
        unclear: by the name of a monitor, why it can't be told which of several assets it reads.
    """
    names, warnings = wanted_monitors(methodology)
    there, add, lacking = [], [], {}
    for name in names:
        if name in present:
            there.append(name)
        elif name not in needed:
            lacking[name] = "the model centre has no snapshot of a monitor of this name"
        elif absent := [role for role in needed[name] if role not in roles]:
            lacking[name] = truncate(
                f"the snapshot has no asset with the role {' or '.join(absent)}{remedy(absent)}", 150
            )
        elif name in unclear:
            lacking[name] = truncate(unclear[name], 150)
        else:
            add.append(name)
    return MonitorPlan(there=there, add=add, lacking=lacking, warnings=warnings)
