"""The desk's workflow, in Jira's words: statuses, how one leads to another, and resolutions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CATEGORIES = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
"""Jira's fixed status categories by key: id, name and colour."""


@dataclass(frozen=True)
class Status:
    """``category`` is a key of :data:`CATEGORIES`; ``resolution`` is what moving here sets unless told otherwise."""

    id: str
    name: str
    category: str
    resolution: str | None = None
    needs_resolution: bool = False
    """Moving here without a resolution is refused, as a required field on a transition's screen does in Jira."""


@dataclass(frozen=True)
class Scheme:
    """A project's workflow: from every status to every other one."""

    statuses: tuple[Status, ...] = (
        Status("10000", "To Do", "new"),
        Status("10001", "In Review", "indeterminate"),
        Status("10002", "Done", "done", "Done"),
        Status("10003", "Rejected", "done", "Declined"),
        Status("10004", "Withdrawn", "done", "Withdrawn"),
    )
    resolutions: Mapping[str, str] = field(
        default_factory=lambda: {
            "10000": "Done",
            "10001": "Won't Do",
            "10002": "Declined",
            "10003": "Duplicate",
            "10004": "Withdrawn",
        }
    )
    """Names of resolutions by id."""

    def status(self, status_id: str) -> Status:
        return next(status for status in self.statuses if status.id == status_id)

    def named(self, name: str) -> Status | None:
        return next((status for status in self.statuses if status.name.casefold() == name.casefold()), None)

    def transitions(self, status_id: str) -> dict[str, Status]:
        """Ids of transitions and where they lead."""
        return {str(11 + 10 * place): status for place, status in enumerate(self.statuses) if status.id != status_id}

    def resolution_id(self, name: str) -> str | None:
        return next((key for key, known in self.resolutions.items() if known == name), None)
