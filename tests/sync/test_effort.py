"""What a day has to look at grows with what is new, not with what earlier runs have sent."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from edfi_cte.associations.model import digest
from edfi_cte.ledger import bulk, events, schema
from edfi_cte.sync import report as reports
from edfi_cte.sync.steps import STEPS, run_step
from tests.sync.world import World, report

SENT = 3000
"""Events of an earlier run. A statement that reads them all takes some instructions for each."""


@contextmanager
def counted_instructions(ledger: sa.Engine) -> Iterator[list[int]]:
    """How many instructions SQLite carries out within the block, to the nearest hundred."""
    counted = [0]

    def count() -> int:
        counted[0] += 100
        return 0

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(count, 100)

    ledger.dispose()
    sa.event.listen(ledger, "connect", watch)
    try:
        yield counted
    finally:
        sa.event.remove(ledger, "connect", watch)
        ledger.dispose()


@pytest.mark.parametrize("fails", [False, True], ids=["all is well", "one is refused each day"])
def test_what_earlier_runs_have_sent_is_not_read_again(world: World, fails: bool):
    world.campus.add(1)
    if fails:
        world.campus.add(2, person=2)
        world.campus.set("Person", 2, stateID="5555555555")
    world.run()
    usual = day(world)
    with world.ledger.begin() as connection:
        [row] = connection.execute(sa.select(schema.event).order_by(schema.event.c.event_id).limit(1))
        sent = schema.row_dict(row) | {"status": events.EventStatus.SENT, "in_doubt": False, "run_id": "earlier"}
        del sent["event_id"]
        bulk.insert(connection, schema.event, [sent | {"enrollment_id": 1000 + n} for n in range(SENT)])
        connection.execute(sa.insert(schema.run).values(target_id=row.target_id, run_id="earlier", **_ended()))
    later = day(world)
    assert {name: n for name, n in later.items() if n - usual[name] > SENT} == {}


def test_a_report_looks_at_what_was_sent_alone(world: World):
    """Of thousands that the ODS holds as desired, and one new record: of the others only the number is read."""
    world.campus.add(1)
    world.run()
    world.campus.add(2, person=2)
    lane = world.lane(resync=False)
    for name in list(STEPS)[:5]:
        run_step(lane, name)
        if name == "extract":
            _multiply(world)
    with counted_instructions(world.ledger) as counted:
        result = reports.report(lane)
    assert result.counts["desired and in the ODS as such"] == SENT + 2
    # A count takes three instructions a record; to compare both sides takes fourteen.
    assert counted[0] < 10 * SENT


def _multiply(world: World) -> None:
    """Thousands like the one record that there is."""
    with world.ledger.begin() as connection:
        for table in (schema.record_outcome, schema.identity_mapping):
            [row] = connection.execute(sa.select(table))
            own = [{"enrollment_id": 1000 + n, "key_id": digest(str(n)), "ods_id": f"{n}"} for n in range(SENT)]
            like = [schema.row_dict(row) | {name: new[name] for name in new if name in table.c} for new in own]
            bulk.insert(connection, table, like)


def day(world: World) -> dict[str, int]:
    """The instructions of each step of a run that finds nothing changed."""
    lane, found = world.lane(resync=False), {}
    for name in (*list(STEPS)[:5], "report"):
        with counted_instructions(world.ledger) as counted:
            report(lane) if name == "report" else run_step(lane, name)
        found[name] = counted[0]
    return found


def _ended() -> dict[str, object]:
    now = bulk.now()
    return {"started_at": now, "finished_at": now, "status": "ok", "parameters": "{}"}
