"""What can go wrong with Campus, each with what to do about it.

::

    CampusError
    ├── CampusUnreachable     no connection: host, login, or no such Airflow connection
    ├── CampusQueryFailed     the database refused or broke off a query
    │   ├── CampusAccessDenied  the login may not read a table or column
    │   └── CampusTimeout     it took longer than the connection's ``timeout``
    ├── MissingColumns        the mapping template names what the database lacks
    ├── InvalidTemplate       a SQL template cannot be found or rendered
    ├── DistrictNotFound      no district of that number
    ├── InvalidCampusData     a value that no Campus can mean: mostly a slip in the mapping template
    └── IncompleteExtract     fewer rows arrived than the database counted

Messages hold enrollment ids, codes and names of columns; never a student's id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from edfi_cte.campus.mapping import MissingColumn
from edfi_cte.errors import EdfiCteError


class CampusError(EdfiCteError):
    """Campus could not be read as it should."""


class CampusUnreachable(CampusError):
    """No connection to the Campus database."""

    transient = True


class CampusQueryFailed(CampusError):
    """The database refused or broke off a query."""


class CampusAccessDenied(CampusQueryFailed):
    """The login may not read a table or column."""


class CampusTimeout(CampusQueryFailed):
    """A query took longer than the connection allows."""

    transient = True


class InvalidTemplate(CampusError):
    """A SQL template cannot be found or rendered."""


class DistrictNotFound(CampusError):
    """Campus has no district of the configured number."""


class InvalidCampusData(CampusError):
    """A row holds what no Campus can mean."""


class IncompleteExtract(CampusError):
    """Fewer rows arrived than the database itself counted."""

    transient = True


class MissingColumns(CampusError):
    """The mapping template names tables or columns that the database lacks; ``missing`` lists them."""

    def __init__(self, missing: Sequence[MissingColumn]) -> None:
        self.missing = list(missing)
        super().__init__("\n".join(str(item) for item in self.missing))


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_TIMEOUT = re.compile(r"\b20003\b|timed out|timeout expired", re.IGNORECASE)
_PERMISSION = re.compile(r"permission (was )?denied|\b(229|230)\b", re.IGNORECASE)


def driver_message(error: BaseException, known_text: str = "") -> str:
    """The first lines of a driver's message, without the values that it may quote from rows.

    A quoted word stays only if it stands in ``known_text`` (the statement that failed): then it is a name.
    """
    parts = [p.decode("utf-8", "replace") if isinstance(p, bytes) else str(p) for p in error.args]
    text = " ".join(line.strip() for line in " ".join(parts).splitlines()[:2] if line.strip())

    def visible(quoted: re.Match[str]) -> str:
        return quoted.group() if quoted.group()[1:-1] in known_text else "'…'"

    return f"{type(error).__name__}: {_QUOTED.sub(visible, text)[:300]}"


def query_failure(error: Exception, what: str, statement: str) -> CampusQueryFailed:
    """The error that stands for a driver's own, raised while reading ``what``."""
    message = driver_message(error, statement)
    if _TIMEOUT.search(message):
        return CampusTimeout(
            f"Campus took too long over {what} ({message}). Raise `timeout` (seconds) in the connection's extra, or "
            "run when Campus is less busy."
        )
    if _PERMISSION.search(message):
        return CampusAccessDenied(
            f"The Campus login may not read what {what} needs ({message}). Grant it SELECT: see "
            "docs/campus-sql-server.md."
        )
    return CampusQueryFailed(f"Campus could not answer the query for {what}: {message}.")
