"""What a SQL Server says of itself: whether its version will do, and what its isolation means for a read."""

from __future__ import annotations

from dataclasses import dataclass

from edfi_cte.campus.rows import Row, whole_number

FIRST_VERSION = 14
"""SQL Server 2017, the first that knows TRIM(... FROM ...)."""
FIRST_LEVEL = 110
"""SQL Server 2012's compatibility level; below it nothing was looked at."""

_NAMES = {16: "2022", 15: "2019", 14: "2017", 13: "2016", 12: "2014", 11: "2012"}


@dataclass(frozen=True, slots=True)
class Server:
    """The server's version as it gives it, and the database that the connection leads to.

    ``read_committed_snapshot``: a statement reads one consistent state and takes no lock. ``snapshot_isolation``: it
    may be asked for.
    """

    version: str
    compatibility_level: int
    database: str
    read_committed_snapshot: bool
    snapshot_isolation: bool

    @classmethod
    def of(cls, row: Row) -> Server:
        """From a row of server.sql."""
        version, level, database, committed, snapshot = row
        level = whole_number(level, "compatibility_level")
        return cls(str(version), level, str(database), bool(committed), bool(snapshot))

    @property
    def major(self) -> int:
        """The version's first number, 0 if it has none."""
        first = self.version.partition(".")[0]
        return int(first) if first.isdecimal() else 0

    @property
    def name(self) -> str:
        """As people call it."""
        return f"SQL Server {_NAMES.get(self.major, self.version)}"
