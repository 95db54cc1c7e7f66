"""Campus: the database, its columns and district, and the codes in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.associations.transform import EARLIEST_START, Rejected, Transform
from edfi_cte.campus import CampusError, CodeUsage, DistrictNotFound
from edfi_cte.sync.checks.findings import Finding, Level, error, label, ok, records, warning, would_fail
from edfi_cte.sync.checks.ods import DEFAULT_DATA_STANDARD
from edfi_cte.sync.lane import Lane


def check_campus(lane: Lane) -> Iterator[Finding]:
    """The Campus database: reachable, its columns as the mapping template names them, the district there."""
    try:
        campus = lane.open_campus()
        missing = campus.missing_columns()
        yield from (error("Campus columns", str(column)) for column in missing)
        if missing:
            return
        yield ok("Campus columns", "every column that the mapping template names is there")
        number = campus.own_number()
        year = campus.school_year(lane.target.scope_year)
        spelt = "" if number == lane.target.district_number else f" (Campus has it as {number})"
        yield ok(
            "district", f"{lane.target.district_number}{spelt}, school year {year.start_date} to {year.end_date}"
        )
    except DistrictNotFound as fault:
        yield error("district", str(fault))
    except CampusError as fault:
        yield Finding(Level.ERROR, "Campus", str(fault), transient=fault.transient)


def check_usage(lane: Lane) -> Iterator[Finding]:
    """The codes that the scope year's records use, against the resource preferences. Reads Campus once more."""
    try:
        usage = lane.open_campus().code_usage(lane.target.scope_year)
    except CampusError as fault:
        yield error("Campus codes", str(fault))
        return
    used = [item for item in usage if item.records]
    for field, items in groupby(used, key=lambda item: item.field):
        counted = ", ".join(
            f"{item.code} {item.name or '(not in the code list)'}: {item.records:,}" for item in items
        )
        yield ok("Campus codes", f"{label(field)}, with the records that use it: {counted}")
    for item in used:
        if item.labels > 1 and item.field == "cte_program_type":
            yield warning(
                "Campus codes",
                f"{label(item.field)} '{item.code}' has {item.labels} labels in Campus's code list; '{item.name}' is "
                "taken, the first by the alphabet. Remove the others there, map the code under program_name.mapping, "
                "or name the column that marks the active one in campus_mapping.sql.",
            )
    unmapped = [(item, rejection) for item in used if (rejection := _rejection(lane, item))]
    for item, rejection in unmapped:
        yield would_fail(
            "Campus codes",
            f"{label(item.field)} '{item.code}': {records(item.records)} will be rejected as {rejection.reason}"
            f"{_ONLY_THERE.get(item.field, '')}. {rejection.reason.advice}",
        )
    if not unmapped:
        yield ok("Campus codes", "the preferences cover every code in use")


_ONLY_THERE = dict.fromkeys(
    ("career_pathway", "student_status"), " by an ODS that takes ctePrograms (up to Data Standard 4.0)"
)


def _rejection(lane: Lane, usage: CodeUsage) -> Rejected | None:
    """Why a record would be rejected that is right but for this code."""
    clusters = lane.preferences.career_cluster.uris()
    values: dict[str, Any] = {"career_cluster": next(iter(clusters)), usage.field: usage.code}
    if usage.field == "cte_program_type":
        values["cte_program_type_name"] = usage.name
    transform = Transform(lane.preferences, lane.target.edorg_id, DEFAULT_DATA_STANDARD)
    try:
        transform.association(replace(_FLAWLESS, **values))
    except Rejected as rejection:
        return rejection
    return None


_FLAWLESS = EnrollmentRecord(
    enrollment_id=0,
    student_unique_id="0",
    start_date=EARLIEST_START,
    end_date=None,
    service_type=None,
    cte_program_type="0",
    cte_program_type_name="0",
    career_cluster=None,
    career_pathway=None,
    student_status=None,
    certification_status=None,
    excluded_by=None,
)
