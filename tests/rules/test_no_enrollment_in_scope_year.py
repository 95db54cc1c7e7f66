# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Page: "and the student has an enrollment in the configured year"."""

from datetime import datetime

import pytest

from edfi_cte.associations.model import ExclusionRule
from tests.campus.small import calendar, enrollment, missouri, outcomes, small_campus
from tests.rules.without_rule import sql_without

RULE = ExclusionRule.NO_ENROLLMENT


def summer_record(*others):
    """Enrollment 1 of a 2025 calendar reaches over July 1; ``others`` are the student's other enrollments."""
    tables = small_campus()
    tables["Calendar"].append(calendar(2, 2025))
    tables["School"].append({"schoolID": 3, "exclude": True})
    tables["Calendar"].append(calendar(3, 2026, schoolID=3))
    tables["Calendar"].append(calendar(4, 2026, exclude=True))
    summer = enrollment(1, calendarID=2, startDate=datetime(2025, 6, 2), endDate=datetime(2025, 7, 17))
    tables["Enrollment"] = [summer, *others]
    return tables


def test_no_enrollment_in_scope_year(engine):
    assert outcomes(engine.campus(summer_record())) == {1: RULE}


@pytest.mark.parametrize(
    "other",
    [
        {"noShow": True},
        {"calendarID": 4},
        {"calendarID": 3},
        {"calendarID": 2},
        {"personID": 2},
        {"districtID": 2},
    ],
    ids=[
        "no show",
        "calendar excluded",
        "school excluded",
        "of another year",
        "another student's",
        "another district's",
    ],
)
def test_an_enrollment_that_does_not_count(engine, other):
    assert outcomes(engine.campus(summer_record(enrollment(2, **other))))[1] is RULE


def test_any_other_enrollment_of_the_year_will_do(engine):
    """Not necessarily the same row, and with no career-technical value at all."""
    tables = summer_record(enrollment(2))
    tables["EnrollmentMO"] = [missouri(1)]
    assert outcomes(engine.campus(tables)) == {1: None}


def test_taken_out_the_record_would_be_sent(engine, tmp_path):
    assert outcomes(engine.campus(summer_record()), sql_dir=sql_without(RULE, tmp_path)) == {1: None}
