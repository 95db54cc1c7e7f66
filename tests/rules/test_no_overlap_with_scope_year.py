# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Page: "a Career Tech Program record that overlaps the configured year"; the Delete row on start and end dates."""

from datetime import datetime

import pytest

from edfi_cte.associations.model import ExclusionRule
from tests.campus.small import calendar, enrollment, missouri, outcomes, small_campus
from tests.rules.without_rule import sql_without

RULE = ExclusionRule.NO_OVERLAP


def dated(start, end, calendar_end=datetime(2025, 5, 22)):
    """Enrollment 1 of a 2025 calendar; enrollment 2 keeps the student enrolled in 2026."""
    tables = small_campus()
    tables["Calendar"].append(calendar(2, 2025, endDate=calendar_end))
    tables["Enrollment"] = [enrollment(1, calendarID=2, startDate=start, endDate=end), enrollment(2)]
    return tables


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2024, 8, 20), datetime(2025, 6, 30, 23, 59)),
        (datetime(2026, 7, 1), None),
        (datetime(2025, 9, 2), datetime(2025, 8, 29)),
        (datetime(2024, 8, 20), None),
    ],
    ids=["ends the day before", "starts the day after", "ends before it starts", "never closed, calendar ended"],
)
def test_no_overlap_with_scope_year(engine, start, end):
    assert outcomes(engine.campus(dated(start, end)))[1] is RULE


@pytest.mark.parametrize(
    ("start", "end", "calendar_end"),
    [
        (datetime(2025, 6, 2), datetime(2025, 7, 1), datetime(2025, 5, 22)),
        (datetime(2026, 6, 30, 23, 59), None, datetime(2026, 5, 22)),
        (datetime(2025, 9, 2), datetime(2025, 9, 2), datetime(2025, 5, 22)),
        (datetime(2024, 8, 20), None, None),
        (datetime(2025, 6, 2), None, datetime(2025, 7, 17)),
        (datetime(2020, 8, 20), datetime(2030, 6, 30), None),
    ],
    ids=["ends on the first day", "starts on the last day", "zero days", "open", "calendar ends inside", "spans it"],
)
def test_a_record_that_overlaps_by_a_day_is_not_excluded(engine, start, end, calendar_end):
    assert outcomes(engine.campus(dated(start, end, calendar_end)))[1] is None


def test_the_school_years_editor_moves_the_range(engine):
    tables = dated(datetime(2024, 8, 20), datetime(2025, 7, 20))
    tables["SchoolYear"][0] |= {"startDate": datetime(2025, 8, 1), "endDate": datetime(2026, 7, 31, 12, 0)}
    assert outcomes(engine.campus(tables))[1] is RULE


def test_taken_out_the_record_would_be_sent(engine, tmp_path):
    hook = engine.campus(dated(datetime(2024, 8, 20), datetime(2025, 5, 22)))
    assert outcomes(hook, sql_dir=sql_without(RULE, tmp_path))[1] is None


def test_a_record_over_july_1_overlaps_both_years(engine):
    """Page, Scope Year Logic: to any year that the record overlaps with."""
    tables = dated(datetime(2025, 6, 2), datetime(2025, 7, 17))
    tables["EnrollmentMO"] = [missouri(1)]
    hook = engine.campus(tables)
    assert outcomes(hook, 2025) == {1: None}
    assert outcomes(hook, 2026) == {1: None}
