# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""Each step of one target leaves every row of the others as it is, though all that they have is the same.

Two districts, from two Campuses with equal enrollmentIDs, and two years that share keys, in one ledger. Before each
step the others are made the very image of the one that runs, so that no row is told apart but by its target; beside
that they have events of every state and action, in doubt and not, and rows that are old enough to be removed.
tests/ledger/test_isolation.py asks the same of each function of the ledger.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.schema import address_claim, attempt, event, metadata
from edfi_cte.settings import Settings
from edfi_cte.sync.lane import STEP_NAMES, Lane
from edfi_cte.sync.steps import run_step
from sandbox.ods.faults import Fault
from tests.ledger.everything import fill, of_others
from tests.sync.world import RESOURCE, World, report

OWN, OTHERS = "039141-2026", ("039141-2025", "050001-2026")


@pytest.fixture
def crowded(world: World) -> World:
    """Every kind of change is due, a request had no answer, a record can't be sent, the ODS was edited by hand."""
    world.settings["preferences"]["default"] = {"send_end_date": True}
    world.settings["retention"] = {"days": 30}
    world.settings["guards"] = {"max_delete_count": 50}
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.run()
    world.campus.set("Enrollment", 1, endDate=datetime(2026, 3, 2))
    control = world.odses[2026].control
    with control.faults(Fault("drop", method="PUT", path=RESOURCE, when="after")):
        world.run(resync=False)
    world.campus.set("Enrollment", 5, endDate=datetime(2026, 4, 2))
    world.campus.remove(2)
    world.campus.set("Enrollment", 3, startDate=datetime(2025, 9, 2))
    world.campus.add(7, person=7)
    world.campus.set("Person", 6, stateID="5555555555")
    world.campus.add(8, "77", person=8)
    documents = {d["studentReference"]["studentUniqueId"]: d for d in control.documents(RESOURCE)}
    control.delete(RESOURCE, documents["1000000004"]["id"])
    stranger = {k: v for k, v in documents["1000000005"].items() if k not in ("id", "_etag", "_lastModifiedDate")}
    control.put(RESOURCE, stranger | {"beginDate": "2025-12-01"})
    return world


def lane_of(world: World, run_id: str) -> Lane:
    """The lane of OWN in a deployment that has the others, too."""
    lane = world.lane(run_id=run_id)
    other = world.settings["targets"][1] | {"district_number": "050001", "campus_conn_id": "x", "edfi_conn_id": "x"}
    lane.settings = Settings.model_validate(world.settings | {"targets": [*world.settings["targets"], other]})
    return lane


def make_images(ledger: sa.Engine) -> None:
    """Make the others what OWN is just now, with whatever else a target may have."""
    with ledger.begin() as connection:
        theirs = sa.select(event.c.event_id).where(event.c.target_id.in_(OTHERS))
        connection.execute(sa.delete(attempt).where(attempt.c.event_id.in_(theirs)))
        tables = [table for table in metadata.sorted_tables if "target_id" in table.c]
        for table in reversed(tables):
            connection.execute(sa.delete(table).where(table.c.target_id.in_(OTHERS)))
        for number, target_id in enumerate(OTHERS, start=1):
            for table in tables:
                columns = [c for c in table.c if not (c.primary_key and c.autoincrement is True)]
                for row in connection.execute(sa.select(*columns).where(table.c.target_id == OWN)).mappings().all():
                    change = {"address_id": f"{number:032}"} if table is address_claim else {}
                    connection.execute(sa.insert(table).values({**row, "target_id": target_id, **change}))
            fill(connection, target_id, number)


def test_a_step_touches_no_row_of_another_target(crowded: World):
    def do(act: Callable[[Lane], Any]) -> None:
        make_images(crowded.ledger)
        others = of_others(crowded.ledger, OWN)
        act(lane_of(crowded, "run"))
        changed = [name for name, rows in of_others(crowded.ledger, OWN).items() if rows != others[name]]
        assert changed == []

    for step in STEP_NAMES:
        do(partial(run_step, name=step))
    do(report)
    sent = {action for action, n in report(lane_of(crowded, "run")).counts["sent"].items() if n}
    assert sent == {"Post", "Put", "Delete", "Delete/Post"}
    there, expected = crowded.there(), crowded.expected()
    refused = {key for key in expected if "5555555555" in key}
    assert {key: there.get(key) for key in expected.keys() - refused} == {
        k: expected[k] for k in expected.keys() - refused
    }
    assert len(there) == len(expected), "the refused one's old document is kept, and nothing else"
