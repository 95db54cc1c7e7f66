"""What differs between the Ed-Fi APIs in service, as one table. Nothing else in the client asks for a version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

READ_ONLY_PROPERTIES = frozenset({"id", "_etag", "_lastModifiedDate"})
"""What an API adds to a document and a client need not send back; ``id`` in a POST is even refused."""


class ErrorFormat(StrEnum):
    """How a refused request is explained."""

    TEXT = "text"
    """``{message, modelState?}``: the kind of error must be read from its wording."""
    PROBLEM_DETAILS = "problem_details"
    """``{type, title, detail, …}``: the type names the kind; wording is never interpreted."""
    PROBLEM_OR_NOTHING = "problem_or_nothing"
    """As PROBLEM_DETAILS, but a missing item may be answered with an empty body."""
    EITHER = "either"
    """Not known: the type where there is one, else the wording."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """``cursor_paging``: pageToken, Next-Page-Token and /partitions exist.
    ``put_carries_id``: a PUT's document must hold the id of its URL.
    ``max_limit``: the most items a page.
    """

    name: str
    error_format: ErrorFormat
    cursor_paging: bool = False
    put_carries_id: bool = False
    max_limit: int = 500


# Source: ODS/API sources v5.3 to v7.3.2 (VersionController, DataManagementControllerBase, ErrorTranslator,
# EdFi.Ods.Common/Exceptions, ApiSettings); DMS feature tests and CURSOR-PAGING.md.
_ODS_FROM: tuple[tuple[tuple[int, int], Capabilities], ...] = (
    ((5, 0), Capabilities("ODS/API 5", ErrorFormat.TEXT)),
    ((6, 0), Capabilities("ODS/API 6", ErrorFormat.TEXT)),
    ((7, 0), Capabilities("ODS/API 7.0", ErrorFormat.TEXT)),
    ((7, 2), Capabilities("ODS/API 7.2", ErrorFormat.PROBLEM_DETAILS)),
    ((7, 3), Capabilities("ODS/API 7.3", ErrorFormat.PROBLEM_DETAILS, cursor_paging=True)),
)
DMS = Capabilities("Data Management Service", ErrorFormat.PROBLEM_OR_NOTHING, cursor_paging=True, put_carries_id=True)
UNKNOWN = Capabilities("unknown", ErrorFormat.EITHER, put_carries_id=True)
"""Taken where discovery is blocked: what every version understands."""


def capabilities_of(version: str, *, dms: bool) -> Capabilities:
    """The row for an API's own ``version`` text; UNKNOWN if that is no version or older than 5.0."""
    if dms:
        return DMS
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    if not match:
        return UNKNOWN
    number = (int(match[1]), int(match[2]))
    return next((row for first, row in reversed(_ODS_FROM) if number >= first), UNKNOWN)
