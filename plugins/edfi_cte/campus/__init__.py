"""Campus as a source: the SQL templates, run through any DbApiHook, as a stream of enrollment records."""

from edfi_cte.campus.errors import (
    CampusAccessDenied,
    CampusError,
    CampusQueryFailed,
    CampusTimeout,
    CampusUnreachable,
    DistrictNotFound,
    IncompleteExtract,
    InvalidCampusData,
    InvalidTemplate,
    MissingColumns,
)
from edfi_cte.campus.mapping import MissingColumn
from edfi_cte.campus.reader import CampusReader, CodeUsage, SchoolYear

__all__ = [
    "CampusAccessDenied",
    "CampusError",
    "CampusQueryFailed",
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
