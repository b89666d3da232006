"""What the project keeps in databases: the centre's tables and the desk's, each with its own line of revisions."""

from dataclasses import dataclass
from pathlib import Path

_REVISIONS = Path(__file__).parent


@dataclass(frozen=True)
class Schema:
    """The tables of one program. The tables of both may be in one database.

    Args:
        name: the program's.
        variable: the setting that says where they are.
        durable: whether on SQLite each commit survives that the machine loses power, not only that the process dies.
    """

    name: str
    variable: str
    durable: bool = False

    @property
    def revisions(self) -> Path:
        """The folder of its revisions."""
        return _REVISIONS / self.name

    @property
    def version_table(self) -> str:
        """Where a database says which revision it is at."""
        return f"{self.name}_revision"


CENTER = Schema("center", "MLC_CENTER_DATABASE")
DESK = Schema("desk", "MLC_DESK_DATABASE", durable=True)
