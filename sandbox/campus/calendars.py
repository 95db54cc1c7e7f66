# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The sample's districts, schools, calendars and code lists: what stands still while students come and go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.campus.schema import Row, Tables

DISTRICT_NUMBER = "039141"
OTHER_DISTRICT_NUMBER = "039990"
SCOPE_YEARS = (2024, 2025, 2026)
ACTIVE_YEAR = 2026
ALL_YEARS = (2023, *SCOPE_YEARS, 2027)
"""The scope years, the year before and the one to which students are rolled forward in spring."""


@dataclass(frozen=True, slots=True)
class SampleSchool:
    """A school of the sample; ``level`` is what its students attend."""

    school_id: int
    name: str
    level: str
    district_id: int = 1


SCHOOLS = (
    *(SampleSchool(100 + n, f"Sample Elementary {n}", "elementary") for n in range(1, 9)),
    *(SampleSchool(200 + n, f"Sample Middle School {n}", "middle") for n in range(1, 4)),
    SampleSchool(301, "North High School", "high"),
    SampleSchool(302, "South High School", "high"),
    SampleSchool(303, "East High School", "high"),
    SampleSchool(400, "Area Career Center", "career_center"),
    SampleSchool(500, "Alternative School", "alternative"),
    SampleSchool(600, "Transition House", "excluded"),
    SampleSchool(700, "Evening Academy", "evening"),
    SampleSchool(800, "Partner Campus", "partner"),
    SampleSchool(900, "Neighbor High School", "high", district_id=2),
)

PROGRAM_TYPES = {
    "0110": "Agricultural Education",
    "0210": "Business Education",
    "0410": "Health Sciences",
    "0510": "Family Consumer Sciences & Human Services",
    "0610": "Marketing Education",
    "0710": "Skilled Technical Sciences",
    "0810": "Technology & Engineering",
}
"""Codes as the district's own dictionary might have them, with their labels."""

UNLISTED_PROGRAM_TYPE = "0999"
"""In use on a few enrollments, and missing from the dictionary."""

UNMAPPED_CLUSTER = "99"

CLUSTERS_OF_TYPE = {
    "0110": ("1",),
    "0210": ("4", "6", "7"),
    "0410": ("8",),
    "0510": ("5", "9", "10"),
    "0610": ("14",),
    "0710": ("2", "13", "16", "12"),
    "0810": ("11", "15", "3"),
}

CLUSTER_NAMES = {
    "1": "Agriculture, Food & Natural Resource",
    "2": "Architecture & Construction",
    "3": "Arts/ A/V Technology & Communication",
    "4": "Business & Administrative",
    "5": "Education & Training",
    "6": "Finance & Insurance",
    "7": "Government & Public Administration",
    "8": "Health Science",
    "9": "Hospitality & Tourism",
    "10": "Human Service",
    "11": "Information Technology",
    "12": "Law & Public Safety",
    "13": "Manufacturing",
    "14": "Marketing Sales & Service",
    "15": "Scientific Research/Engineering",
    "16": "Transportation, Distribution, & Logistics",
}


def calendar_id(school_id: int, end_year: int, kind: str = "regular") -> int:
    """The id of a school's calendar; ``kind`` is regular, summer, recovery (excluded) or workshop."""
    return end_year * 10_000 + school_id * 10 + ("regular", "summer", "recovery", "workshop").index(kind)


def fixed_tables() -> Tables:
    """Districts, school years, schools, calendars and code lists."""
    return {
        "District": [
            {"districtID": 1, "number": DISTRICT_NUMBER, "name": "Sample R-II School District"},
            {"districtID": 2, "number": OTHER_DISTRICT_NUMBER, "name": "Neighbor R-V School District"},
        ],
        "SchoolYear": [_school_year(year) for year in ALL_YEARS],
        "School": [_school(school) for school in SCHOOLS],
        "Calendar": [row for year in ALL_YEARS for school in SCHOOLS for row in _calendars(school, year)],
        "CampusAttribute": [
            {"attributeID": 10, "object": "EnrollmentMO", "element": "careerCluster", "name": "Career Cluster"},
            {"attributeID": 11, "object": "EnrollmentMO", "element": "cteProgramType", "name": "CTE Program Type"},
            {"attributeID": 12, "object": "Enrollment", "element": "startStatus", "name": "Start Status"},
        ],
        "CampusDictionary": _dictionary(),
    }


def _school_year(year: int) -> Row:
    """The School Years editor has dates for the last years only, with a time part; the others fall back."""
    dated = year >= 2025
    return {
        "endYear": year,
        "startYear": year - 1,
        "label": f"{year - 1 - 2000}-{year - 2000}",
        "startDate": datetime(year - 1, 7, 1) if dated else None,
        "endDate": datetime(year, 6, 30, 23, 59) if dated else None,
        "active": year == ACTIVE_YEAR,
    }


def _school(school: SampleSchool) -> Row:
    flags = {"excluded": True, "high": None, "career_center": None}
    return {
        "schoolID": school.school_id,
        "districtID": school.district_id,
        "number": f"{school.school_id * 10:04d}",
        "name": school.name,
        "exclude": flags.get(school.level, False),
    }


def _calendars(school: SampleSchool, year: int) -> list[Row]:
    start, end = datetime(year - 1, 8, 20), datetime(year, 5, 22, 12, 0)
    if school.level == "alternative":
        return [_calendar(school, year, "regular", None, None, None)]
    rows = [_calendar(school, year, "regular", start, end, None)]
    if school.level == "high":
        summer = (datetime(year, 6, 1), datetime(year, 7, 17))
        rows.append(_calendar(school, year, "summer", *summer, None))
        rows.append(_calendar(school, year, "recovery", start, end, True))
        rows.append(_calendar(school, year, "workshop", start, end, False))
    return rows


def _calendar(
    school: SampleSchool, year: int, kind: str, start: datetime | None, end: datetime | None, exclude: bool | None
) -> Row:
    return {
        "calendarID": calendar_id(school.school_id, year, kind),
        "schoolID": school.school_id,
        "districtID": school.district_id,
        "endYear": year,
        "name": f"{str(year - 1)[2:]}-{str(year)[2:]} {school.name}"[:30],
        "startDate": start,
        "endDate": end,
        "exclude": exclude,
        "summerSchool": kind == "summer",
    }


def _dictionary() -> list[Row]:
    clusters = [(10, code, name) for code, name in CLUSTER_NAMES.items()]
    types = [(11, code, name) for code, name in PROGRAM_TYPES.items()]
    repeated = [(11, "0610 ", "Marketing Education")]
    other = [(12, "01", "Enrolled from out of state")]
    rows = [*clusters, *types, *repeated, *other]
    return [
        {"dictionaryID": number, "attributeID": attribute, "code": code, "name": name}
        for number, (attribute, code, name) in enumerate(rows, start=1)
    ]
