"""Campus: the database, its columns and district, and the codes in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.associations.transform import EARLIEST_START, Rejected, Transform
from edfi_cte.campus import CampusError, CodeUsage, DistrictNotFound
from edfi_cte.campus.server import FIRST_LEVEL, FIRST_VERSION, Server
from edfi_cte.sync.checks.findings import Finding, Level, error, label, ok, records, warning, would_fail
from edfi_cte.sync.checks.ods import DEFAULT_DATA_STANDARD
from edfi_cte.sync.lane import Lane


def check_campus(lane: Lane) -> Iterator[Finding]:
    """The Campus database: reachable, its columns as the mapping template names them, the district there."""
    try:
        campus = lane.open_campus()
        server = campus.server()
        if server and server.major < FIRST_VERSION and not campus.is_understood():
            yield error(
                "Campus server",
                f"{server.name} does not know TRIM(... FROM ...), which the queries need: SQL Server 2017 or later. "
                "Have Campus's database moved to one, or read a copy of it there.",
            )
            return
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


def check_campus_server(lane: Lane) -> Iterator[Finding]:
    """What is worth knowing of the server once: its version, its isolation, the connection's encryption and limit."""
    yield ok(
        "Campus server",
        f"an answer is waited for {lane.target.campus_timeout_seconds:,} s at most (campus_timeout_seconds)",
    )
    try:
        campus = lane.open_campus()
        server = campus.server()
    except CampusError:
        return  # said by check_campus
    if server is None:
        return
    level = f"{server.name}, database '{server.database}', compatibility level {server.compatibility_level}"
    if server.compatibility_level < FIRST_LEVEL:
        yield warning("Campus server", f"{level}: the queries were not tried below {FIRST_LEVEL}")
    else:
        yield ok("Campus server", level)
    yield _isolation(lane, server)
    if not campus.asks_for_encryption:
        yield warning(
            "Campus server",
            "the connection does not ask for encryption, so students' data may cross the network in the clear. Set "
            '"encryption": "require" in its extra. The driver then encrypts, but checks the server\'s certificate '
            "only where freetds.conf names a `ca file`.",
        )


_ALLOW = "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON"


def _isolation(lane: Lane, server: Server) -> Finding:
    subject, snapshot = "Campus isolation", lane.target.campus_isolation == "snapshot"
    if snapshot and not server.snapshot_isolation:
        return error(
            subject,
            f"campus_isolation is snapshot, and the database does not allow it. Have its owner run {_ALLOW}, or set "
            "read_committed.",
        )
    if snapshot or server.read_committed_snapshot:
        how = "snapshot" if snapshot else "READ_COMMITTED_SNAPSHOT is on"
        return ok(subject, f"{how}: a query reads one consistent state, and takes no lock")
    remedy = "set campus_isolation to snapshot" + (
        ", which it allows" if server.snapshot_isolation else f", after its owner has run {_ALLOW}"
    )
    return warning(
        subject,
        "READ_COMMITTED_SNAPSHOT is off: the query waits for those who write, and a record that is changed while it "
        f"reads may be missed (it is asked for once more before anything is deleted). Better: {remedy}.",
    )


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
