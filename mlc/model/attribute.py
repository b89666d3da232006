"""Search attributes: by what runs are found in Temporal."""

from enum import StrEnum


class Attribute(StrEnum):
    """Search attributes. ``MlcTickets`` is a KeywordList, the others are Keywords."""

    MODEL = "MlcModel"
    PHASE = "MlcPhase"
    STAGE = "MlcStage"
    TICKETS = "MlcTickets"
