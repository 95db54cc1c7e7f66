"""A sample Campus of a mid-size district over scope years 2024 to 2026, to try the package on.

``build`` writes it as a DuckDB file, ``EDITS`` are what a school's office might do to it, ``seed_documents`` is what
an ODS would already hold for it.
"""

from sandbox.campus.calendars import DISTRICT_NUMBER, SCOPE_YEARS
from sandbox.campus.database import build, load, sample_tables
from sandbox.campus.edits import EDITS, Edit
from sandbox.campus.ods_seed import seed_documents
from sandbox.campus.programs import PARTS, PREFERENCES

__all__ = [
    "DISTRICT_NUMBER",
    "EDITS",
    "PARTS",
    "PREFERENCES",
    "SCOPE_YEARS",
    "Edit",
    "build",
    "load",
    "sample_tables",
    "seed_documents",
]
