# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Each trigger of the page, by its row in docs/rules.md: the event, its cause, and what the ODS ends with."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from edfi_cte.associations.plan import Action, Cause
from edfi_cte.sync.report import Report
from tests.sync.campus import Campus
from tests.sync.world import World

Edit = Callable[[Campus], Any]


@pytest.fixture
def sent(world: World) -> World:
    """A world in which enrollment 1 has been sent, beside another."""
    world.campus.add(1)
    world.campus.add(2, person=2)
    assert world.run().counts["sent"]["Post"] == 2
    return world


def after(world: World, edit: Edit, **options: bool) -> Report:
    edit(world.campus)
    result = world.run(**options)
    assert world.there() == world.expected()
    assert world.run().counts["planned"] == {}
    return result


def assert_sent(result: Report, action: Action, cause: str) -> None:
    assert {name: n for name, n in result.counts["sent"].items() if n} == {action: 1}
    assert result.counts["because of"] == {cause: 1}


def test_post(sent: World):
    result = after(sent, lambda campus: campus.add(3, person=3))
    assert_sent(result, Action.POST, Cause.NEW_RECORD)


def test_delete_post_when_the_student_id_changes(sent: World):
    result = after(sent, lambda campus: campus.set("Person", 1, stateID="1000000007"))
    assert_sent(result, Action.DELETE_POST, Cause.STUDENT_ID_CHANGED)


def test_delete_post_when_the_start_date_changes(sent: World):
    result = after(sent, lambda campus: campus.set("Enrollment", 1, startDate=datetime(2025, 9, 2)))
    assert_sent(result, Action.DELETE_POST, Cause.START_DATE_CHANGED)


def test_delete_post_when_the_cte_program_type_changes(sent: World):
    result = after(sent, lambda campus: campus.set("EnrollmentMO", 1, cteProgramType="0110"))
    assert_sent(result, Action.DELETE_POST, Cause.CTE_PROGRAM_TYPE_CHANGED)


def test_delete_post_when_the_career_cluster_changes(sent: World):
    result = after(sent, lambda campus: campus.set("EnrollmentMO", 1, careerCluster="5"))
    assert_sent(result, Action.DELETE_POST, Cause.CAREER_CLUSTER_CHANGED)


def test_put_when_the_career_cluster_changes_and_the_settings_say_so(sent: World):
    sent.settings["preferences"]["default"] = {"career_cluster_change": "put"}
    result = after(sent, lambda campus: campus.set("EnrollmentMO", 1, careerCluster="5"))
    assert_sent(result, Action.PUT, Cause.CAREER_CLUSTER_CHANGED)


def test_put_when_another_value_changes(world: World):
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.campus.add(1)
    world.run()
    result = after(world, lambda campus: campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2)))
    assert_sent(result, Action.PUT, Cause.VALUE_CHANGED)


@pytest.mark.parametrize(
    ("edit", "cause"),
    [
        (lambda campus: campus.set("EnrollmentMO", 1, cteProgramType=" "), "cte_program_type_blank"),
        (lambda campus: campus.set("EnrollmentMO", 1, careerCluster=None), "career_cluster_blank"),
        (lambda campus: campus.remove(1), "enrollment_deleted"),
        (lambda campus: campus.set("Enrollment", 1, noShow=True), "no_show"),
        (lambda campus: campus.set("Enrollment", 1, startDate=datetime(2026, 7, 1)), "no_overlap_with_scope_year"),
    ],
)
def test_delete_when_a_record_no_longer_qualifies(sent: World, edit: Edit, cause: str):
    assert_sent(after(sent, edit), Action.DELETE, cause)


@pytest.mark.parametrize(
    ("table", "number", "cause"), [("Calendar", 2026, "calendar_exclude"), ("School", 1, "school_exclude")]
)
def test_delete_when_an_exclusion_is_set_after_sending(sent: World, table: str, number: int, cause: str):
    """Another calendar of the year remains, so that the student keeps an enrollment in it."""
    sent.campus.tables["School"].append({"schoolID": 2, "districtID": 1, "exclude": None})
    other = dict(sent.campus.row("Calendar", 2026)) | {"calendarID": 2126, "schoolID": 2}
    sent.campus.tables["Calendar"].append(other)
    for number_of_student in (1, 2):
        sent.campus.add(10 + number_of_student, None, None, person=number_of_student, calendarID=2126)
    result = after(sent, lambda campus: campus.set(table, number, exclude=True))
    assert result.counts["sent"]["Delete"] == 2
    assert result.counts["because of"] == {cause: 2}


def test_the_next_duplicate_is_sent_when_the_better_one_goes(sent: World):
    result = after(sent, lambda campus: campus.add(3, "5", serviceType="S"))
    assert result.counts["planned"] == {}
    result = after(sent, lambda campus: campus.remove(1))
    assert_sent(result, Action.PUT, Cause.SOURCE_CHANGED)


@pytest.mark.parametrize(
    ("preferences", "action"),
    [
        ({"career_cluster": {"mapping": {"8": "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"}}}, "Put"),
        ({"program_name": {"mapping": {"0410": "Agriculture"}}}, "Delete/Post"),
    ],
)
def test_changed_preferences_are_reflected_by_the_next_run(sent: World, preferences: dict[str, Any], action: str):
    sent.settings["preferences"]["default"] = preferences
    result = after(sent, lambda _: None)
    assert result.counts["sent"][action] == 2
    assert result.counts["because of"] == {"preferences_changed": 2}


def test_swapped_and_cyclic_keys_come_out_right(world: World):
    for number in (1, 2, 3):
        world.campus.add(number, str(number), person=number)
    world.run()

    def rotate(campus: Campus) -> None:
        for number in (1, 2, 3):
            campus.set("Enrollment", number, personID=number % 3 + 1)

    assert after(world, rotate).status == "ok"


def test_a_change_of_preferences_that_concerns_no_record_is_not_the_cause_of_the_next_change(world: World):
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.campus.add(1)
    world.campus.add(2, person=2)
    world.run()
    world.settings["preferences"]["default"] = {"send_end_date": True, "student_status": {"3": True}}
    result = after(world, lambda _: None)
    assert result.counts["planned"] == {}
    result = after(world, lambda campus: campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2)))
    assert_sent(result, Action.PUT, Cause.VALUE_CHANGED)
