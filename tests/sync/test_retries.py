"""Tasks that are tried again, cleared, or killed: a run says ok only once all its work is done, and right."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa

from edfi_cte.campus import CampusReader
from edfi_cte.campus.rows import Row
from edfi_cte.ledger.leases import LeaseHeld, LeaseLost, PlanPast
from edfi_cte.sync.lane import STEP_NAMES, StepFailed
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, counting_writes

PLANNING = ("preflight", "extract", "transform")
SENDING = STEP_NAMES[len(PLANNING) :]
DOWN = Fault("status", path=RESOURCE, status=503)


@pytest.fixture
def two(world: World) -> World:
    for number in (1, 2):
        world.campus.add(number, person=number)
    return world


def test_a_retry_that_heals_ends_ok(two: World):
    two.do("run", *PLANNING)
    with two.odses[2026].control.faults(DOWN), pytest.raises(StepFailed):
        two.do("run", "upsert")
    two.do("run", *SENDING)
    assert two.report("run").status == "ok"
    assert two.there() == two.expected()


def test_a_step_that_failed_fails_the_run_with_its_reason(two: World):
    two.do("run", *PLANNING)
    with two.odses[2026].control.faults(DOWN), pytest.raises(StepFailed):
        two.do("run", "upsert")
    result = two.report("run")
    assert result.status == "failed"
    assert "What was not sent stays queued" in result.message


def test_a_second_pass_that_is_killed_fails_whatever_the_first_one_did(two: World):
    two.do("run", *STEP_NAMES)
    assert two.report("run").status == "ok"
    two.campus.add(3, person=3)
    two.do("run", *PLANNING)
    result = two.report("run")
    assert result.status == "failed"
    assert "upsert did not end" in result.message


@pytest.mark.parametrize("step", STEP_NAMES[1:])
@pytest.mark.parametrize("what", ["education_organization_id", "preferences"])
def test_a_step_refuses_other_settings_than_preflight_looked_at(two: World, what: str, step: str):
    two.run()
    two.campus.remove(1)
    two.do("run", *STEP_NAMES[: STEP_NAMES.index(step)])
    if what == "preferences":
        two.settings["preferences"]["default"] = {"send_end_date": True}
    else:
        two.settings["targets"][1][what] = 55555
    with counting_writes(two.odses[2026]) as counted, pytest.raises(StepFailed) as refused:
        two.do("run", step)
    assert counted == [0]
    for said in (
        "settings have changed",
        f"{step} did nothing",
        "Trigger a new run, or clear this one",
    ):
        assert said in str(refused.value)
    assert two.report("run").status == "failed"


def test_an_old_plan_is_not_sent_once_campus_has_been_read_anew(two: World):
    """The first run's upsert fails; a dry run sees that a record has become No Show; the upsert is cleared."""
    two.do("run", *PLANNING)
    with two.odses[2026].control.faults(DOWN), pytest.raises(StepFailed):
        two.do("run", "upsert")
    two.report("run")
    two.campus.set("Enrollment", 2, noShow=True)
    two.run(dry_run=True)
    for step in SENDING:
        with pytest.raises(
            PlanPast, match=r"not of this run's last reading of Campus.*Clear the run from extract on"
        ):
            two.do("run", step)
    assert two.there() == {}
    result = two.report("run")
    assert result.status == "failed"
    assert "Clear the run from extract on" in result.message
    two.do("run", *STEP_NAMES[1:])
    assert two.report("run").status == "ok"
    assert two.there() == two.expected()


@pytest.mark.parametrize("step", SENDING)
def test_the_plan_of_a_run_of_days_ago_is_not_sent(two: World, step: str):
    """Monday's task failed; on Friday, with nothing run since, someone clears it."""
    two.do("run", *PLANNING, *SENDING[: SENDING.index(step)])
    two.campus.set("Enrollment", 2, noShow=True)
    with two.ledger.begin() as connection:
        connection.execute(sa.text("UPDATE edfi_cte_lease SET read_at = DATETIME(read_at, '-4 days') || '.000000'"))
    said = r"96 hours ago.*max_plan_age_hours.*Clear the run from extract on"
    with counting_writes(two.odses[2026]) as counted, pytest.raises(PlanPast, match=said):
        two.do("run", step)
    assert counted == [0]
    assert "max_plan_age_hours" in two.report("run").message
    two.do("run", *STEP_NAMES[1:])
    assert two.report("run").status == "ok"
    assert two.there() == two.expected()


def test_a_run_that_is_cleared_from_preflight_on_makes_a_new_plan(two: World):
    two.do("run", *PLANNING)
    two.campus.set("Enrollment", 2, noShow=True)
    two.do("run", *STEP_NAMES)
    assert two.report("run").status == "ok"
    assert two.there() == two.expected()


def test_a_run_that_is_cleared_once_its_records_are_mended_ends_ok(failed_over_the_limit: World):
    failed_over_the_limit.do("run", *STEP_NAMES)
    assert failed_over_the_limit.there() == failed_over_the_limit.expected()
    result = failed_over_the_limit.report("run")
    assert result.status == "ok"
    assert result.counts["failed"] == 0


def test_a_run_that_is_cleared_once_its_records_are_mended_sends_its_delete_posts(failed_over_the_limit: World):
    failed_over_the_limit.campus.set("Enrollment", 1, startDate=datetime(2025, 9, 2))  # noqa: DTZ001
    failed_over_the_limit.do("run", *STEP_NAMES)
    assert failed_over_the_limit.there() == failed_over_the_limit.expected()


@pytest.fixture
def failed_over_the_limit(two: World) -> World:
    """A run has failed since one of its records was refused; that one is mended by now."""
    two.settings["guards"] = {"max_failure_fraction": 0.1, "max_failure_count": 0}
    two.campus.set("Person", 2, stateID="5555555555")
    two.do("run", *STEP_NAMES)
    assert two.report("run").counts["failed for"] == {"not_yet_enrolled": 1}
    two.campus.set("Person", 2, stateID="1000000002")
    return two


@pytest.mark.parametrize("step", ["extract", "preflight"])
def test_a_try_that_stood_still_spoils_nothing_of_the_next_one(
    two: World, monkeypatch: pytest.MonkeyPatch, step: str
):
    """A worker hangs while it reads Campus; once its hold is over the run goes on elsewhere; then it wakes up."""
    two.do("run", "preflight")
    whole = CampusReader.enrollment_rows

    def interrupted(reader: CampusReader, year: int) -> Iterator[list[Row]]:
        monkeypatch.undo()
        with pytest.raises(LeaseHeld, match=r"another try of extract is at work, or has died.*UTC"):
            two.do("run", step)
        two.let_leases_run_out()
        two.do("run", *STEP_NAMES[STEP_NAMES.index(step) :])
        yield from whole(reader, year)

    monkeypatch.setattr(CampusReader, "enrollment_rows", interrupted)
    with pytest.raises(LeaseLost):
        two.do("run", "extract")
    assert two.report("run").status == "ok"
    assert two.there() == two.expected()
