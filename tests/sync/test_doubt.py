# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Requests whose answers are lost: the next run clears up what they may have left in the ODS, without a resync."""

import json
from contextlib import suppress
from datetime import datetime

import pytest

from edfi_cte.ledger import events
from edfi_cte.sync.lane import StepFailed
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
    assert sent.there() == sent.expected()
    sent.campus.set("Enrollment", 1, startDate=FIRST)
    assert_cleared_up(sent)


@pytest.mark.parametrize("start", [FIRST, SECOND, datetime(2025, 10, 1)], ids=["taken back", "as it was", "another"])
def test_the_post_of_a_delete_post(sent: World, start: datetime):
    sent.campus.set("Enrollment", 1, startDate=SECOND)
    before = sent.there()
    lose_answers(sent, "POST")
    assert sent.there() == before | sent.expected(), "the old record stays until the new one is known to be accepted"
    sent.campus.set("Enrollment", 1, startDate=start)
    assert_cleared_up(sent)


WRONG_ANSWERS = {
    "500": Fault("status", method="POST", path=RESOURCE, when="after", status=500),
    "504 of a gateway": Fault("status", method="POST", path=RESOURCE, when="after", status=504, html=True),
    "half an answer": Fault("truncate", method="POST", path=RESOURCE),
    "429": Fault("status", method="POST", path=RESOURCE, when="after", status=429),
}


@pytest.mark.parametrize("answer", WRONG_ANSWERS)
def test_a_post_that_was_carried_out_and_answered_wrongly(sent: World, answer: str):
    sent.campus.add(3, person=3)
    with sent.odses[2026].control.faults(WRONG_ANSWERS[answer]), suppress(StepFailed):
        sent.run(resync=False)
    assert len(sent.there()) == 3
    sent.campus.set("Enrollment", 3, noShow=True)
    assert_cleared_up(sent)


def test_a_refusal_settles_nothing_that_a_killed_try_has_left(sent: World):
    """The first try's request was carried out and its worker killed; the second try of the event is refused."""
    sent.campus.add(3, person=3)
    sent.do("run", "preflight", "extract", "transform")
    killed = sent.lane(run_id="run")
    with killed.held("upsert"):
        with killed.writing() as connection:
            [row] = events.claim(connection, killed.target_id, "upsert", killed.lease.token, 1)
        sent.odses[2026].control.put(RESOURCE, json.loads(row.body))
    with sent.odses[2026].control.faults(Fault("status", method="POST", path=RESOURCE, status=400)):
        sent.do("run", "upsert", "natural_key_changes", resync=False)
    assert sent.report("run", resync=False).counts["failed for"] == {"validation": 1}
    sent.campus.set("Enrollment", 3, noShow=True)
    assert_cleared_up(sent)


def test_a_delete_of_the_resync_is_settled_by_the_next_reading(sent: World):
    own = {k: v for k, v in sent.odses[2026].control.documents(RESOURCE)[0].items() if not k.startswith(("_", "id"))}
    sent.odses[2026].control.put(RESOURCE, own | {"beginDate": "2025-12-01"})
    with sent.odses[2026].control.faults(Fault("drop", method="DELETE", path=RESOURCE, when="after")):
        assert sent.run().counts["failed for"] == {"connection_lost": 1}
    assert in_doubt(sent) == 1
    assert sent.run().status == "ok"
    assert in_doubt(sent) == 0


def in_doubt(world: World) -> int:
    [(number,)] = world.in_ledger("SELECT COUNT(*) FROM edfi_cte_event WHERE in_doubt OR old_in_doubt")
    return int(number)
