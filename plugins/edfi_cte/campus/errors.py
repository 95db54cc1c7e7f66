"""What can go wrong with Campus, each with what to do about it.

::

    CampusError
    ├── CampusUnreachable     no connection just now: host, firewall, a database that is starting
    ├── CampusLoginRefused    the server does not let this login in, or not to this database
    ├── CampusMisconfigured   the Airflow connection says something that can't be
    ├── CampusQueryFailed     the database refused or broke off a query
    │   ├── CampusInterrupted   deadlock, lost connection, short of memory: a retry reads again
    │   ├── CampusTimeout       no answer came in time
    │   ├── CampusAccessDenied  the login may not read a table or column
    │   └── CampusQueryRefused  the statement or a value is wrong: mostly a slip in the mapping template
    ├── MissingColumns        the mapping template names what the database lacks
    ├── InvalidTemplate       a SQL template cannot be found or rendered
    ├── DistrictNotFound      no district of that number
    ├── InvalidCampusData     a value that no Campus can mean: mostly a slip in the mapping template
    └── IncompleteExtract     fewer rows arrived than the database counted

Which of them stands for a driver's error, and whether it passes, is decided by the error's number alone (see
:mod:`edfi_cte.faults`). Messages hold enrollment ids, codes and names of columns; never a student's id, nor a word of
a driver.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edfi_cte.campus.mapping import MissingColumn
from edfi_cte.errors import EdfiCteError
from edfi_cte.faults import UNKNOWN, Kind, fault_of
from edfi_cte.words import kind_of, names_in, number_of


class CampusError(EdfiCteError):
    """Campus could not be read as it should."""


class CampusUnreachable(CampusError):
    """No connection to the Campus database."""

    transient = True


class CampusLoginRefused(CampusError):
    """The server does not let this login in, or not to this database."""


class CampusMisconfigured(CampusError):
    """The Airflow connection says something that cannot be."""


class CampusQueryFailed(CampusError):
    """The database refused or broke off a query; a retry may help, since the reason is not known."""

    transient = True


class CampusInterrupted(CampusQueryFailed):
    """The database or the line broke off a query that was right."""


class CampusQueryRefused(CampusQueryFailed):
    """The statement, or a value that it meets, is wrong."""

    transient = False


class CampusAccessDenied(CampusQueryFailed):
    """The login may not read a table or column."""

    transient = False


class CampusTimeout(CampusQueryFailed):
    """No answer came in time."""


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


_CLASSES: dict[Kind, type[CampusError]] = {
    Kind.UNREACHABLE: CampusUnreachable,
    Kind.LOGIN: CampusLoginRefused,
    Kind.SETTING: CampusMisconfigured,
    Kind.INTERRUPTED: CampusInterrupted,
    Kind.TIMEOUT: CampusTimeout,
    Kind.DENIED: CampusAccessDenied,
    Kind.QUERY: CampusQueryRefused,
}


def driver_fault(
    error: Exception, doing: str, names: Collection[str] = (), default: type[CampusError] = CampusQueryFailed
) -> CampusError:
    """The error that stands for a driver's own, raised while ``doing``; ``default`` is for a number not known.

    ``names``: the identifiers that may be repeated from the driver's words, those of the mapping.
    """
    number = number_of(error)
    fault = fault_of(number)
    kind = default if fault is UNKNOWN else _CLASSES[fault.kind]
    found = names_in(error, names)
    named = f" It names {', '.join(found)}." if found else ""
    said = f"SQL Server's or its driver's error {number}" if isinstance(number, int) else kind_of(error)
    return kind(f"{doing}: {fault.says} ({said}).{named} {fault.advice}")
