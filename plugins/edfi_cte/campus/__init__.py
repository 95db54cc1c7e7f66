"""Campus as a source: the SQL templates, run through any DbApiHook, as a stream of enrollment records."""

from edfi_cte.campus.errors import (
    CampusAccessDenied,
    CampusError,
    CampusInterrupted,
    CampusLoginRefused,
    CampusMisconfigured,
    CampusQueryFailed,
    CampusQueryRefused,
    CampusTimeout,
    CampusUnreachable,
    DistrictNotFound,
    IncompleteExtract,
    InvalidCampusData,
    InvalidTemplate,
    MissingColumns,
)
from edfi_cte.campus.mapping import MissingColumn
from edfi_cte.campus.reader import CampusReader, SchoolYear
from edfi_cte.campus.rows import CodeUsage

__all__ = [
    "CampusAccessDenied",
    "CampusError",
    "CampusInterrupted",
    "CampusLoginRefused",
    "CampusMisconfigured",
    "CampusQueryFailed",
    "CampusQueryRefused",
    "CampusReader",
    "CampusTimeout",
    "CampusUnreachable",
    "CodeUsage",
    "DistrictNotFound",
    "IncompleteExtract",
    "InvalidCampusData",
    "InvalidTemplate",
    "MissingColumn",
    "MissingColumns",
    "SchoolYear",
]
