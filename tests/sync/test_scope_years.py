# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Scope years (page: Scope Year Logic)."""

from datetime import datetime

import pytest

from edfi_cte.settings import SettingsError
from edfi_cte.sync.lane import StepFailed
from tests.sync.world import World


def test_a_record_that_overlaps_two_years_goes_to_both(world: World):
    world.campus.add(1, year=2025, endDate=datetime(2025, 7, 3))
    world.campus.add(2, None, None, year=2026)
    for year in (2025, 2026):
        assert world.run(year).counts["sent"]["Post"] == 1
        assert world.there(year) == world.expected(year) != {}


def test_a_record_moves_from_one_year_to_the_other(world: World):
    world.campus.add(1, year=2025)
    for year in (2025, 2026):
        world.run(year)
    world.campus.set("Enrollment", 1, calendarID=2026, startDate=datetime(2025, 8, 25))
    assert world.run(2025).counts["sent"]["Delete"] == 1
    assert world.run(2026).counts["sent"]["Post"] == 1


def test_the_school_years_dates_are_campuss_own(world: World):
    world.campus.add(1, year=2026, startDate=datetime(2026, 7, 3), endDate=datetime(2026, 7, 10))
    assert world.run().counts["sent"]["Post"] == 0
    world.campus.tables["SchoolYear"][1] |= {"startDate": datetime(2025, 7, 15), "endDate": datetime(2026, 7, 14)}
    assert world.run().counts["sent"]["Post"] == 1


def test_years_keep_their_own_mappings(world: World):
    world.campus.add(1, year=2026)
    world.campus.add(2, year=2025, person=2)
    world.run(2026)
    world.run(2025)
    assert world.run(2026).counts["planned"] == {}
    assert world.there(2026).keys().isdisjoint(world.there(2025).keys())


def test_a_year_with_wrong_preferences_stops_alone(world: World):
    world.settings["targets"][1]["preferences"] = "broken"
    world.settings["preferences"]["broken"] = {"send_end_date": "perhaps"}
    world.campus.add(1, year=2026)
    world.campus.add(2, year=2025, person=2)
    with pytest.raises(StepFailed, match=r"preferences\.broken\.send_end_date"):
        world.run(2026)
    assert world.there(2026) == {}
    assert world.run(2025).counts["sent"]["Post"] == 1


def test_a_year_that_is_not_configured_is_named_and_left_alone(world: World):
    with pytest.raises(SettingsError, match="scope year 1999 is not configured"):
        world.lane(1999)
