# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Requests whose answers are lost: the next run clears up what they may have left in the ODS, without a resync."""

from datetime import datetime

import pytest

from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World

FIRST, SECOND = datetime(2025, 8, 20), datetime(2025, 9, 2)


@pytest.fixture
def sent(world: World) -> World:
    world.settings["preferences"]["default"] = {"send_end_date": True}
    for number in (1, 2):
        world.campus.add(number, person=number)
    world.run()
    return world


def lose_answers(world: World, method: str) -> None:
    """A run whose requests of one kind are carried out, and their answers lost."""
    with world.odses[2026].control.faults(Fault("drop", method=method, path=RESOURCE, when="after")):
        assert world.run(resync=False).counts["failed for"] == {"connection_lost": 1}


def assert_cleared_up(world: World) -> None:
    """The next run brings the ODS there, and the one after it has nothing in doubt to do."""
    assert world.run(resync=False).status == "ok"
    assert world.there() == world.expected()
    assert world.run(resync=False).counts["planned"] == {}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_post(sent: World, wanted: bool):
    sent.campus.add(3, person=3)
    lose_answers(sent, "POST")
    assert len(sent.there()) == 3
    sent.campus.set("Enrollment", 3, noShow=not wanted)
    assert_cleared_up(sent)


def test_a_put_whose_change_is_taken_back(sent: World):
    """What is desired is again what the mapping says, and not what the ODS holds."""
    sent.campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2))
    lose_answers(sent, "PUT")
    assert sent.there() == sent.expected()
    sent.campus.set("Enrollment", 1, endDate=None)
    assert_cleared_up(sent)


def test_a_delete_that_is_taken_back(sent: World):
    sent.campus.set("Enrollment", 1, noShow=True)
    lose_answers(sent, "DELETE")
    assert len(sent.there()) == 1
    sent.campus.set("Enrollment", 1, noShow=None)
    assert_cleared_up(sent)


def test_the_delete_of_a_delete_post_that_is_taken_back(sent: World):
    sent.campus.set("Enrollment", 1, startDate=SECOND)
    lose_answers(sent, "DELETE")
    assert len(sent.there()) == 1
    sent.campus.set("Enrollment", 1, startDate=FIRST)
    assert_cleared_up(sent)


@pytest.mark.parametrize("start", [FIRST, SECOND, datetime(2025, 10, 1)], ids=["taken back", "as it was", "another"])
def test_the_post_of_a_delete_post(sent: World, start: datetime):
    sent.campus.set("Enrollment", 1, startDate=SECOND)
    lose_answers(sent, "POST")
    assert sent.there() == sent.expected()
    sent.campus.set("Enrollment", 1, startDate=start)
    assert_cleared_up(sent)
