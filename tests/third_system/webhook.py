import re

from mlc.ticketing.webhook import Event, Read, Webhook, parsed
from third_system.settings import TrackerSettings


class Told(Read):
    ticket: int | None = None
    board: str = ""
    label: str = ""
    at: int | None = None


def webhook(settings: TrackerSettings) -> Webhook:
    return Webhook(
        key=re.compile("T-[1-9][0-9]{0,17}"),
        key_field="ticket",
        places=frozenset([settings.board]),
        signature_headers=["X-Tracker-Signature"],
        delivery_header="X-Tracker-Delivery",
        example={"ticket": 7, "board": "models", "label": "gov-0123456789abcdef01234567", "at": 1_700_000_000},
        read=read_event,
    )


def read_event(body: bytes) -> Event | None:
    told = parsed(Told, body)
    if told.ticket is None:
        return None
    return Event(key=f"T-{told.ticket}", place=told.board, labels=[told.label], sent=told.at)
