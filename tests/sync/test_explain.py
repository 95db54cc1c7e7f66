# ruff: noqa: DTZ001 - the ledger keeps UTC, without a zone
"""``why``: the story of one record, in the report's words, without a student's id."""

import re
from datetime import datetime

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.schema import event
from edfi_cte.sync.explain import why
from sandbox.ods.faults import Fault
from tests.sync.campus import PROGRAM_TYPES
from tests.sync.world import RESOURCE, World


def told(world: World, wanted: str) -> str:
    with world.ledger.connect() as connection:
        return "\n".join(why(connection, "039141-2026", wanted))


def test_the_story_of_each_outcome(world: World):
    world.campus.add(1)
    world.campus.add(2, serviceType="S")
    world.campus.add(3, person=3, noShow=True)
    world.campus.add(4, "77", person=4)
    world.campus.add(5, person=5)
    world.campus.set("Person", 5, stateID="5555555555")
    world.run()
    assert "excluded by no_show: it is marked No Show" in told(world, "3")
    assert "rejected for career_cluster_unmapped ('77')" in told(world, "4")
    assert "superseded by enrollment 1" in told(world, "2")
    sent = told(world, "1")
    assert "desired" in sent
    assert "Post because of new_record: sent 201" in sent
    refused = told(world, "5")
    assert "not known to be in the ODS" in refused
    assert "not_yet_enrolled" in refused
    assert told(world, "4711") == ""
    for story in (sent, refused):
        assert "1000000001" not in story
        assert "5555555555" not in story


def words(world: World, wanted: str) -> list[str]:
    """The lines, but for the time and the ODS's ids."""
    timeless = re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", "TIME", told(world, wanted))
    return re.sub(r"\b[0-9a-f]{32}\b", "ID", timeless).splitlines()


def test_a_story_word_for_word(world: World):
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.campus.add(1)
    world.campus.add(2, serviceType="S")
    world.run()
    desired = "desired: it qualifies"
    there = f"  '{PROGRAM_TYPES['0410']}' from 2025-08-20: in the ODS as ID, sent TIME UTC"
    posted = "  TIME Post because of new_record: sent 201 [run 2]"
    assert words(world, "1") == [f"enrollment 1: {desired}", f"{there} as it is now", posted]
    world.campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2))
    with world.odses[2026].control.faults(Fault("status", method="PUT", path=RESOURCE, status=400)):
        world.run(resync=False)
    *story, put, attempt = words(world, "1")
    assert story == [f"enrollment 1: {desired}", f"{there} in an earlier state", posted]
    assert put == "  TIME Put because of value_changed: failed 400 [run 3]"
    assert attempt.startswith("    TIME validation: ")
    world.campus.remove(1)
    world.run(dry_run=True)
    assert words(world, "2") == [f"enrollment 2: {desired}", f"{there} as it is now, from enrollment 1"]


@pytest.mark.parametrize("digits", [18, 19, 40])
def test_a_number_that_is_no_enrollments(world: World, digits: int):
    assert told(world, "9" * digits) == ""


def test_an_event_has_the_time_of_its_answer_or_else_when_it_was_queued(world: World):
    world.campus.add(1)
    world.run()
    with world.ledger.begin() as connection:
        connection.execute(sa.update(event).values(queued_at=datetime(2026, 1, 1), answered_at=datetime(2026, 1, 2)))
    assert "2026-01-02 00:00:00 Post because of new_record" in told(world, "1")
    with world.ledger.begin() as connection:
        connection.execute(sa.update(event).values(answered_at=None))
    assert "2026-01-01 00:00:00 Post because of new_record" in told(world, "1")


def test_by_ods_id_through_a_change_and_a_delete(world: World):
    world.campus.add(1)
    world.campus.add(2, person=2)
    world.run()
    document, _ = world.odses[2026].control.documents(RESOURCE)
    assert "Post because of new_record" in told(world, document["id"])
    world.campus.remove(1)
    world.run()
    story = told(world, document["id"])
    assert "not in the last reading of Campus" in story
    assert "Delete because of enrollment_deleted: sent 204" in story


def test_an_orphan_that_the_resync_deleted(world: World):
    world.campus.add(1)
    world.campus.add(2, person=2)
    world.run()
    world.lose_ledger()
    document, _ = world.odses[2026].control.documents(RESOURCE)
    world.campus.remove(1)
    world.run()
    assert words(world, document["id"]) == [
        "  waiting: Delete because of no_source is not done, for first_contact, since TIME UTC [run 4]; "
        "it stays in the ODS as ID"
    ]
    assert "waiting" not in told(world, "2")
    world.run(approve=world.list_id())
    assert "Delete because of no_source: sent" in told(world, document["id"])


def test_by_the_old_ods_id_of_a_record_deleted_by_hand_and_posted_again(world: World):
    world.campus.add(1)
    world.run()
    control = world.odses[2026].control
    [document] = control.documents(RESOURCE)
    control.delete(RESOURCE, document["id"])
    world.run()
    story = told(world, document["id"])
    assert "enrollment 1: desired" in story
    assert "Post because of not_in_ods: sent 201" in story
