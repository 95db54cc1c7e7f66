# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""One student for each case that the rules name and each kind of dirt, with known ids for tests and edits.

All dates are around scope year 2026 (2025-26). A case's enrollments are its ``rows``, the first of them the one that
the case is about.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sandbox.campus.calendars import UNLISTED_PROGRAM_TYPE, UNMAPPED_CLUSTER, calendar_id
from sandbox.campus.schema import Row, Tables

FIRST_PERSON_ID = 90_001
FIRST_ENROLLMENT_ID = 900_000

BEFORE, YEAR, AFTER = 2025, 2026, 2027
FALL = datetime(2025, 8, 20)
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrollment of a case's student, by default one that is sent for 2026."""

    school: int = 301
    year: int = YEAR
    calendar: str = "regular"
    start: datetime | date | None = FALL
    end: datetime | date | None = None
    cluster: str | None = "8"
    program_type: str | None = "0410"
    service: str | None = "P"
    no_show: bool | None = None
    district: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """A student in a known situation; ``state_id`` None or blank is a missing one."""

    name: str
    about: str
    rows: tuple[Enrolled, ...] = (Enrolled(),)
    state_id: str | None = AUTO
    other_ids: tuple[str, ...] = field(default=())
    """State ids that the ODS knows for the student beside the one in Campus."""


_PLAIN = Enrolled(cluster=None, program_type=None)
"""An enrollment in the scope year without any career-technical value."""

CASES = (
    # the rules of the page
    Case(
        "no_overlap",
        "closed before July 1",
        (Enrolled(year=BEFORE, start=datetime(2024, 8, 20), end=datetime(2025, 5, 22)), _PLAIN),
    ),
    Case(
        "no_enrollment",
        "a summer record that reaches over July 1; the student then left the district",
        (Enrolled(year=BEFORE, calendar="summer", start=datetime(2025, 6, 2), end=datetime(2025, 7, 17)),),
    ),
    Case("cluster_blank", "Career Cluster empty", (Enrolled(cluster=""),)),
    Case("cluster_whitespace", "Career Cluster holds blanks and a tab", (Enrolled(cluster=" \t "),)),
    Case("type_blank", "CTE Program Type empty", (Enrolled(program_type=None),)),
    Case("calendar_exclude", "Calendar Exclude marked", (Enrolled(calendar="recovery"),)),
    Case("school_exclude", "School Exclude marked", (Enrolled(school=600),)),
    Case("no_show", "No Show marked", (Enrolled(no_show=True),)),
    # readings and dirt
    Case(
        "across_july_1",
        "a summer record that reaches over July 1 of a student who stayed: goes to both years",
        (Enrolled(year=BEFORE, calendar="summer", start=datetime(2025, 6, 2), end=datetime(2025, 7, 17)), _PLAIN),
    ),
    Case("zero_day", "starts and ends on one day", (Enrolled(start=datetime(2025, 9, 2), end=datetime(2025, 9, 2)),)),
    Case(
        "end_before_start",
        "ends before it starts",
        (Enrolled(start=datetime(2025, 9, 2), end=datetime(2025, 8, 29)),),
    ),
    Case(
        "never_closed",
        "an old record without an end date ends with its calendar",
        (Enrolled(year=BEFORE, start=datetime(2024, 8, 20)), _PLAIN),
    ),
    Case(
        "open_calendar",
        "no end date, calendar without dates: still open",
        (Enrolled(school=500, year=BEFORE, start=datetime(2024, 8, 20)), _PLAIN),
    ),
    Case("starts_after_calendar", "starts after its calendar ended", (Enrolled(start=datetime(2026, 6, 10)),)),
    Case(
        "last_day",
        "ends on July 1 itself",
        (
            Enrolled(year=BEFORE, calendar="summer", start=datetime(2025, 6, 2), end=datetime(2025, 7, 1, 15, 30)),
            _PLAIN,
        ),
    ),
    Case(
        "time_parts",
        "late hours in its dates",
        (Enrolled(start=datetime(2025, 8, 20, 23, 59), end=datetime(2026, 5, 22, 7, 45)),),
    ),
    Case(
        "rolled_forward",
        "next year's enrollment, created in spring",
        (Enrolled(year=AFTER, start=datetime(2026, 8, 20)), _PLAIN),
    ),
    Case("padded_codes", "blanks around its codes", (Enrolled(cluster=" 8 ", program_type="0410  "),)),
    Case("zero_padded_cluster", "a leading zero in its cluster", (Enrolled(cluster="08"),)),
    Case("manufacturing", "cluster 13", (Enrolled(cluster="13", program_type="0710"),)),
    Case("unlisted_type", "a type that the dictionary lacks", (Enrolled(program_type=UNLISTED_PROGRAM_TYPE),)),
    Case("no_state_id", "State ID missing", state_id=None),
    Case("blank_state_id", "State ID of blanks", state_id="   "),
    Case("padded_state_id", "a blank after the State ID", state_id="9000000001 "),
    Case(
        "other_district",
        "enrolled in the neighbor district too, which must not leak in",
        (_PLAIN, Enrolled(school=900, district=2)),
    ),
    Case(
        "service_types",
        "P, S and N with one key: P wins though its id is the lowest",
        (Enrolled(), Enrolled(cluster="5", service="S", school=400), Enrolled(cluster="10", service="N", school=302)),
    ),
    Case(
        "two_primaries",
        "two primaries with one key: the highest id wins",
        (Enrolled(), Enrolled(cluster="5", school=302)),
    ),
    Case(
        "special_ed_and_partial",
        "N and S with one key: S wins",
        (Enrolled(service="N"), Enrolled(cluster="5", service="S", school=400)),
    ),
    Case(
        "rejected_primary",
        "the primary's cluster is unmapped, so the partial one is sent",
        (Enrolled(cluster=UNMAPPED_CLUSTER), Enrolled(service="S", school=400)),
    ),
    Case(
        "overlapping",
        "two overlapping enrollments of two types: two associations",
        (
            Enrolled(),
            Enrolled(school=400, service="S", start=datetime(2025, 8, 25), cluster="16", program_type="0710"),
        ),
    ),
    # for the edits, each sent once (or not at all) before its edit
    Case("start_moves", "its start date will move"),
    Case(
        "starts_swap",
        "its two start dates will swap",
        (Enrolled(), Enrolled(school=302, start=datetime(2026, 1, 6), cluster="5")),
    ),
    Case("cluster_clears", "its cluster will be cleared"),
    Case("cluster_changes", "its cluster will change"),
    Case("type_clears", "its program type will be cleared"),
    Case("type_changes", "its program type will change"),
    Case("becomes_no_show", "No Show will be marked"),
    Case("no_show_ends", "No Show will be cleared", (Enrolled(no_show=True), replace(_PLAIN, school=302))),
    *(Case(f"workshop_{n}", "its calendar will be excluded", (Enrolled(calendar="workshop"),)) for n in (1, 2, 3)),
    *(Case(f"evening_{n}", "its school will be excluded", (Enrolled(school=700),)) for n in (1, 2)),
    Case("goes_away", "its enrollment will be deleted"),
    Case("joins", "will get a career-technical enrollment", (_PLAIN,)),
    Case("cluster_unmapped", "its cluster is unmapped and will be corrected", (Enrolled(cluster=UNMAPPED_CLUSTER),)),
    Case("state_id_changes", "its State ID will change", other_ids=("9000009999",)),
    Case("state_id_comes", "its State ID is missing and will be entered", state_id=None, other_ids=("9000009998",)),
    Case(
        "ends_earlier",
        "a summer record over July 1 whose end will move before it",
        (Enrolled(year=BEFORE, calendar="summer", start=datetime(2025, 6, 2), end=datetime(2025, 7, 17)), _PLAIN),
    ),
    Case("gets_duplicate", "a second, winning primary will be added"),
    Case(
        "loses_primary",
        "its primary will be deleted, so the partial one is sent",
        (Enrolled(), Enrolled(cluster="5", service="S", school=400)),
    ),
    Case("ends", "its end date will be entered, which is not sent"),
    Case("certifies", "takes part in a program, and will pass its certification"),
    Case("completes", "takes part in a program, and will get a certification record of it"),
)
_NUMBERS = {case.name: number for number, case in enumerate(CASES)}


def case(name: str) -> Case:
    """The case of that name; KeyError if there is none."""
    return CASES[_NUMBERS[name]]


def person_id(name: str) -> int:
    """The personID of a case's student."""
    return FIRST_PERSON_ID + _NUMBERS[name]


def enrollment_id(name: str, row: int = 0) -> int:
    """The enrollmentID of a case's row."""
    return FIRST_ENROLLMENT_ID + 10 * _NUMBERS[name] + row


def state_id(name: str) -> str | None:
    """The State ID of a case's student, as Campus has it at first."""
    given = case(name).state_id
    return f"9{person_id(name):09d}" if given == AUTO else given


def case_tables() -> Tables:
    """The rows of every case."""
    tables: Tables = {"Person": [], "Identity": [], "Enrollment": [], "EnrollmentMO": []}
    for item in CASES:
        person = person_id(item.name)
        tables["Person"].append(
            {
                "personID": person,
                "currentIdentityID": person,
                "stateID": state_id(item.name),
                "studentNumber": f"S{person}",
            }
        )
        tables["Identity"].append(
            {
                "identityID": person,
                "personID": person,
                "lastName": "Case",
                "firstName": item.name.replace("_", " ").title(),
                "birthdate": datetime(2009, 1, 15),
            }
        )
        for number, row in enumerate(item.rows):
            enrollment, missouri = rows_of(enrollment_id(item.name, number), person, row)
            tables["Enrollment"].append(enrollment)
            tables["EnrollmentMO"] += [missouri] if missouri else []
    return tables


def rows_of(number: int, person: int, row: Enrolled) -> tuple[Row, Row | None]:
    """The Enrollment and EnrollmentMO rows of one enrollment; there is no EnrollmentMO row without a value."""
    enrollment: Row = {
        "enrollmentID": number,
        "personID": person,
        "calendarID": calendar_id(row.school, row.year, row.calendar),
        "districtID": row.district,
        "endYear": row.year,
        "grade": "11",
        "serviceType": row.service,
        "startDate": row.start,
        "endDate": row.end,
        "noShow": row.no_show,
    }
    if row.cluster is None and row.program_type is None:
        return enrollment, None
    missouri: Row = {
        "enrollmentID": number,
        "personID": person,
        "careerCluster": row.cluster,
        "cteProgramType": row.program_type,
    }
    return enrollment, missouri
