"""A run that can't account for each record fails (invariant 4); what is old goes, what is owed stays."""

import sqlalchemy as sa

from edfi_cte.ledger.schema import enrollment_record, event, run
from edfi_cte.sync.report import report
from edfi_cte.sync.steps import STEPS, run_step
from tests.sync.world import World


def test_a_record_that_vanishes_between_the_steps_fails_the_run(world: World):
    world.campus.add(1)
    world.campus.add(2, person=2)
    lane = world.lane()
    for step in STEPS:
        run_step(lane, step)
        if step == "extract":
            with world.ledger.begin() as connection:
                connection.execute(sa.delete(enrollment_record).where(enrollment_record.c.enrollment_id == 2))
    result = report(lane)
    assert result.status == "failed"
    assert "2 records were extracted, but 1 accounted for" in result.message


def test_an_event_that_vanishes_from_the_queue_fails_the_run(world: World):
    world.campus.add(1)
    world.campus.add(2, person=2)
    lane = world.lane()
    for step in STEPS:
        run_step(lane, step)
        if step == "transform":
            with world.ledger.begin() as connection:
                connection.execute(sa.delete(event).where(event.c.enrollment_id == 2))
    result = report(lane)
    assert result.status == "failed"
    assert "2 events were planned, but 1" in result.message


def test_history_is_kept_for_the_days_set(world: World):
    world.settings["retention"] = {"days": 30}
    world.campus.add(1)
    world.run()
    with world.ledger.begin() as connection:
        connection.execute(sa.update(run).values(started_at=sa.func.datetime("now", "-31 days")))
    result = world.run()
    assert world.in_ledger("SELECT COUNT(*) FROM edfi_cte_run") == [(1,)]
    assert world.in_ledger("SELECT COUNT(*) FROM edfi_cte_event") == [(0,)]
    assert result.counts["unchanged"] == 1
