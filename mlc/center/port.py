"""A model centre that is both: a catalogue of models and the ledger of what happens to them."""

from typing import Protocol

from mlc.center.catalogue import Catalogue
from mlc.center.ledger import Ledger


class Center(Catalogue, Ledger, Protocol):
    """What the processes work with. One adapter may give both halves, or two may be put together."""
