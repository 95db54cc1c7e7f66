"""A run that can't account for each record fails (invariant 4); what is old goes, what is owed stays."""

from datetime import datetime

import sqlalchemy as sa

from edfi_cte.ledger.schema import enrollment_record, event, identity_mapping, run
from edfi_cte.sync.steps import STEPS, run_step
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, report


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


def test_a_desired_record_that_is_not_in_the_ods_fails_the_run_unless_its_event_failed(world: World):
    for number in (1, 2):
        world.campus.add(number, person=number)
    world.do("run", *STEPS)
    with world.ledger.begin() as connection:
        connection.execute(sa.delete(identity_mapping).where(identity_mapping.c.enrollment_id == 2))
    result = world.report("run")
    assert result.status == "failed"
    assert "1 desired records are not in the ODS, and no failed event says why" in result.message
    world.campus.set("Person", 2, stateID="5555555555")
    assert world.run().counts["failed for"] == {"not_yet_enrolled": 1}


def test_a_record_that_nothing_was_sent_for_may_not_vanish_either(world: World):
    for number in (1, 2):
        world.campus.add(number, person=number)
    world.run()
    world.campus.add(3, person=3)
    world.do("run", *STEPS)
    with world.ledger.begin() as connection:
        connection.execute(sa.delete(identity_mapping).where(identity_mapping.c.enrollment_id == 2))
    assert "1 desired records are not in the ODS" in world.report("run").message


def test_what_may_be_in_the_ods_outlives_the_days_set(world: World):
    """The answers to a post and to a delete are lost; without its event nobody would know of either."""
    world.settings["retention"] = {"days": 30}
    world.settings["guards"] = {"max_failure_count": 2}
    world.campus.add(1)
    world.campus.add(2, person=2)
    world.run()
    world.campus.set("Enrollment", 2, startDate=datetime(2025, 9, 2))  # noqa: DTZ001
    world.campus.add(3, person=3)
    lost = [Fault("drop", method=method, path=RESOURCE, when="after") for method in ("POST", "DELETE")]
    with world.odses[2026].control.faults(*lost):
        assert world.run(resync=False).counts["failed"] == 2
    with world.ledger.begin() as connection:
        connection.execute(sa.update(run).values(started_at=sa.func.datetime("now", "-31 days")))
    world.run(dry_run=True)
    world.campus.set("Enrollment", 2, startDate=datetime(2025, 8, 20))  # noqa: DTZ001
    world.campus.remove(3)
    world.run(resync=False)
    assert world.there() == world.expected()


def test_the_reports_text_has_each_number_on_a_line(world: World):
    world.campus.add(1)
    lines = [line.split() for line in world.run().table().splitlines()]
    assert lines[0] == ["039141-2026:", "ok"]
    for line in (["desired", "1"], ["unchanged", "0"], ["sent"], ["Post", "1"]):
        assert line in lines
