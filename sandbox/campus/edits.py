# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Named edits of the sample Campus, each with the events that it must cause in scope year 2026.

They touch different students, so that any number of them can be applied at once, each once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sandbox.campus.calendars import calendar_id
from sandbox.campus.cases import Enrolled, case, enrollment_id, person_id, rows_of
from sandbox.campus.database import insert, literal


class Connection(Protocol):
    """What an edit needs: DuckDB's connection, or any other that executes a statement."""

    def execute(self, statement: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that a school's office does; ``events`` is how many of each event a run for 2026 then plans."""

    name: str
    description: str
    events: Mapping[str, int]
    statements: tuple[str, ...]

    def apply(self, connection: Connection) -> None:
        """Carry out the edit."""
        for statement in self.statements:
            connection.execute(statement)


POST, PUT, DELETE, DELETE_POST = "Post", "Put", "Delete", "Delete/Post"


def _update(who: str, column: str, value: Any, row: int = 0, table: str = "Enrollment") -> str:
    where = f"enrollmentID = {enrollment_id(who, row)}"
    return f"UPDATE dbo.{table} SET {column} = {literal(value, 'duckdb')} WHERE {where}"


def _missouri(who: str, column: str, value: str | None) -> str:
    return _update(who, column, value, table="EnrollmentMO")


def _state_id(who: str, value: str) -> str:
    return f"UPDATE dbo.Person SET stateID = '{value}' WHERE personID = {person_id(who)}"


def _delete(who: str) -> tuple[str, ...]:
    where = f"enrollmentID = {enrollment_id(who)}"
    return (f"DELETE FROM dbo.EnrollmentMO WHERE {where}", f"DELETE FROM dbo.Enrollment WHERE {where}")


def _add(who: str, row: Enrolled) -> tuple[str, ...]:
    enrollment, missouri = rows_of(enrollment_id(who, len(case(who).rows)), person_id(who), row)
    added = insert("Enrollment", [enrollment], "duckdb")
    return (added, insert("EnrollmentMO", [missouri], "duckdb")) if missouri else (added,)


_EDITS = (
    Edit(
        "start_date_moved",
        "A start date moves from August 20 to August 25.",
        {DELETE_POST: 1},
        (_update("start_moves", "startDate", datetime(2025, 8, 25)),),
    ),
    Edit(
        "start_dates_swapped",
        "Two enrollments of one student swap their start dates: both keys stay, what they say changes places.",
        {PUT: 2},
        (
            _update("starts_swap", "startDate", datetime(2026, 1, 6)),
            _update("starts_swap", "startDate", datetime(2025, 8, 20), row=1),
        ),
    ),
    Edit(
        "career_cluster_cleared",
        "A Career Cluster is cleared.",
        {DELETE: 1},
        (_missouri("cluster_clears", "careerCluster", ""),),
    ),
    Edit(
        "career_cluster_changed",
        "A Career Cluster changes from 8 to 5.",
        {DELETE_POST: 1},
        (_missouri("cluster_changes", "careerCluster", "5"),),
    ),
    Edit(
        "cte_program_type_cleared",
        "A CTE Program Type is cleared.",
        {DELETE: 1},
        (_missouri("type_clears", "cteProgramType", None),),
    ),
    Edit(
        "cte_program_type_changed",
        "A CTE Program Type changes from 0410 to 0510.",
        {DELETE_POST: 1},
        (_missouri("type_changes", "cteProgramType", "0510"),),
    ),
    Edit("no_show_marked", "No Show is marked.", {DELETE: 1}, (_update("becomes_no_show", "noShow", True),)),
    Edit("no_show_cleared", "No Show is cleared again.", {POST: 1}, (_update("no_show_ends", "noShow", False),)),
    Edit(
        "calendar_excluded",
        "Calendar Exclude is marked on a calendar of three students.",
        {DELETE: 3},
        (f"UPDATE dbo.Calendar SET exclude = TRUE WHERE calendarID = {calendar_id(301, 2026, 'workshop')}",),
    ),
    Edit(
        "school_excluded",
        "School Exclude is marked on a school of two students.",
        {DELETE: 2},
        ("UPDATE dbo.School SET exclude = TRUE WHERE schoolID = 700",),
    ),
    Edit("enrollment_deleted", "An enrollment is deleted.", {DELETE: 1}, _delete("goes_away")),
    Edit(
        "enrollment_added",
        "A student enrolls at the career center.",
        {POST: 1},
        _add(
            "joins", Enrolled(school=400, service="S", start=datetime(2025, 9, 2), cluster="16", program_type="0710")
        ),
    ),
    Edit(
        "career_cluster_corrected",
        "A Career Cluster that was unmapped is corrected.",
        {POST: 1},
        (_missouri("cluster_unmapped", "careerCluster", "8"),),
    ),
    Edit(
        "state_id_changed",
        "A student's State ID changes.",
        {DELETE_POST: 1},
        (_state_id("state_id_changes", case("state_id_changes").other_ids[0]),),
    ),
    Edit(
        "state_id_entered",
        "A missing State ID is entered.",
        {POST: 1},
        (_state_id("state_id_comes", case("state_id_comes").other_ids[0]),),
    ),
    Edit(
        "end_date_moved_before_scope_year",
        "An enrollment that reached over July 1 now ends in June.",
        {DELETE: 1},
        (_update("ends_earlier", "endDate", datetime(2025, 6, 27)),),
    ),
    Edit(
        "winning_duplicate_added",
        "A second primary with the same key and another cluster is added: the higher enrollmentID wins.",
        {PUT: 1},
        _add("gets_duplicate", Enrolled(school=302, cluster="5")),
    ),
    Edit(
        "primary_deleted",
        "The primary of two enrollments with one key is deleted: the partial one is sent, with its other cluster.",
        {PUT: 1},
        _delete("loses_primary"),
    ),
    Edit(
        "certification_passed",
        "A certification that was attempted is passed.",
        {PUT: 1},
        ("UPDATE dbo.ProgramCertification SET status = 'Passing' WHERE certificationID = 1",),
    ),
    Edit(
        "certification_added",
        "A student without one gets a certification record, attempted.",
        {PUT: 1},
        (
            insert(
                "ProgramCertification",
                [{"certificationID": 2, "personID": person_id("completes"), "programID": 2, "status": "Attempted"}],
                "duckdb",
            ),
        ),
    ),
    Edit(
        "end_date_entered",
        "An end date inside the scope year is entered, which is no part of what is sent.",
        {},
        (_update("ends", "endDate", datetime(2026, 3, 13)),),
    ),
)
EDITS: Mapping[str, Edit] = {edit.name: edit for edit in _EDITS}
