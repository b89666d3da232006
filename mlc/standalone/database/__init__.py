"""The databases of the model centre and the ticket desk: a SQLite file, or PostgreSQL by its address.

``address`` reads the setting, ``engines`` makes connections, ``migration`` brings a database to this release's form, by
the revisions in ``center`` and ``desk``; ``problems`` says in a sentence what is wrong.
"""

from mlc.standalone.database.address import Address
from mlc.standalone.database.engines import file_of, open_database, reading
from mlc.standalone.database.migration import State, state_of
from mlc.standalone.database.problems import DatabaseProblem
from mlc.standalone.database.schema import CENTER, DESK, Schema

__all__ = [
    "CENTER",
    "DESK",
    "Address",
    "DatabaseProblem",
    "Schema",
    "State",
    "file_of",
    "open_database",
    "reading",
    "state_of",
]
