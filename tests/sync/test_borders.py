# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Batches and pages of two, so that each border is met: before, at and after it, in every step."""

from datetime import datetime

import pytest

from edfi_cte.campus import CampusReader
from edfi_cte.ledger import bulk, records, streams
from edfi_cte.sync import extract, planning, send
from tests.sync.world import World, counting_writes

SIZES = ((extract, "BATCH"), (streams, "PAGE"), (streams, "FETCH"), (bulk, "CHUNK"), (records, "PAGE"))
"""Extract's batch, the plan's pages of keys and of rows, the rows of a statement, and transform's page."""


@pytest.fixture
def by_two(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    for module, name in (*SIZES, (planning, "KEPT")):
        assert getattr(module, name) >= 1000, "it has another name or place"
        monkeypatch.setattr(module, name, 2)
    assert CampusReader.__init__.__kwdefaults__ is not None
    assert CampusReader.__init__.__kwdefaults__["fetch_size"] == 2000
    monkeypatch.setitem(CampusReader.__init__.__kwdefaults__, "fetch_size", 2)
    world.page_size = 2
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.settings["guards"] = {"max_delete_count": 50}
    return world


@pytest.mark.parametrize("count", [2, 3])
def test_a_run_is_right_whatever_its_number_of_records(by_two: World, count: int):
    for number in range(1, count + 1):
        by_two.campus.add(number, person=number)
    assert by_two.run().counts["sent"]["Post"] == count
    assert by_two.there() == by_two.expected()
    with counting_writes(by_two.odses[2026]) as counted:
        by_two.run()
    assert counted == [0]


@pytest.mark.parametrize(("first", "many"), [(1, 2), (2, 1), (2, 2), (3, 3)])
def test_a_change_is_right_wherever_it_stands_among_the_records(by_two: World, first: int, many: int):
    """Changed, gone and new side by side, so that the ledger's rows and Campus's pass each other at each border."""
    for number in range(1, 6):
        by_two.campus.add(2 * number, person=number)
    by_two.run()
    for number in range(first, first + many):
        by_two.campus.set("Enrollment", 2 * number, endDate=datetime(2026, 3, 2))
    by_two.campus.remove(2 * (1 if first > 1 else 5))
    by_two.campus.add(2 * first + 1, person=6)
    by_two.campus.add(12, person=7)
    counts = by_two.run().counts
    assert {action: n for action, n in counts["sent"].items() if n} == {"Put": many, "Delete": 1, "Post": 2}
    assert by_two.there() == by_two.expected()


def test_a_new_preference_puts_every_record_once(by_two: World):
    """Each is transformed anew, page by page, and found changed."""
    for number in range(1, 6):
        by_two.campus.add(number, person=number, endDate=datetime(2026, 3, 2))
    by_two.run()
    by_two.settings["preferences"]["default"] = {"send_end_date": False}
    assert by_two.run().counts["sent"]["Put"] == 5
    assert by_two.there() == by_two.expected()


@pytest.mark.parametrize("count", [2, 4, 5])
def test_answers_are_all_kept_however_many_are_kept_at_once(
    by_two: World, monkeypatch: pytest.MonkeyPatch, count: int
):
    monkeypatch.setattr(send, "SETTLE", 2)
    for number in range(1, count + 1):
        by_two.campus.add(number, person=number)
    assert by_two.run().counts["sent"]["Post"] == count
    assert by_two.in_ledger("SELECT COUNT(*) FROM edfi_cte_event WHERE status = 'sent'") == [(count,)]
