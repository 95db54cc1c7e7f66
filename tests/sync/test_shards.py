"""A step whose sending several tasks share: each event is sent by one of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from edfi_cte.ledger import events
from edfi_cte.ledger.leases import LeaseHeld
from edfi_cte.sync.lane import SHARED_STEPS, Lane, Shard, StepFailed
from edfi_cte.sync.steps import STEPS, run_step
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, report, writes


def test_tasks_that_share_a_step_send_each_event_once(world: World):
    for number in range(1, 41):
        world.campus.add(number, startDate=datetime(2025, 8, 20) + timedelta(days=number))  # noqa: DTZ001
    world.settings["dag"] = {"sending_tasks": 4}
    lane = world.lane(run_id="shared")
    attempted = {}
    for step in STEPS:
        lanes = [replace(lane, shard=Shard(index, 4)) for index in range(4)] if step in SHARED_STEPS else [lane]
        with ThreadPoolExecutor() as threads:
            counts = list(threads.map(partial(run_step, name=step), lanes))
        attempted[step] = [count.get("attempted") for count in counts]
    assert sum(attempted["upsert"]) == 40
    result = report(lane)
    assert result.status == "ok"
    assert result.counts["sent"]["Post"] == 40
    assert writes(world.odses[2026]) == 40
    assert world.there() == world.expected()


def ten(world: World) -> Lane:
    """A run with ten posts in its queue."""
    for number in range(1, 11):
        world.campus.add(number, startDate=datetime(2025, 8, 20) + timedelta(days=number))  # noqa: DTZ001
    lane = world.lane(resync=False)
    for step in ("preflight", "extract", "transform"):
        run_step(lane, step)
    return lane


def test_what_a_dead_task_has_claimed_the_others_send_once_it_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    lane = ten(world)
    monkeypatch.setattr("edfi_cte.sync.send.CLAIM", 3)
    dead = replace(lane, shard=Shard(0, 2))
    with dead.held("upsert"):
        with dead.writing() as connection:
            events.claim(connection, lane.target_id, "upsert", dead.lease.token, 3)
        assert run_step(replace(lane, shard=Shard(1, 2)), "upsert")["attempted"] == 7
        with pytest.raises(LeaseHeld, match=r"upsert 1/2 of this run is still at work.*can be closed from .* UTC"):
            report(lane)
        world.let_leases_run_out()
        run_step(lane, "natural_key_changes")
        result = report(lane)
        assert result.counts["left in the queue"] == 3
        assert "3 events are neither sent nor failed" in result.message
        assert run_step(replace(lane, shard=Shard(1, 2)), "upsert")["attempted"] == 3
    run_step(lane, "natural_key_changes")
    assert report(lane).status == "ok"
    assert world.there() == world.expected()
    assert writes(world.odses[2026]) == 10


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 5)])
def test_another_number_of_sending_tasks_in_the_middle_of_a_run_is_no_failure(world: World, before: int, after: int):
    world.settings["dag"] = {"sending_tasks": before}
    lane = ten(world)
    run_step(replace(lane, shard=Shard(0, before)), "upsert")
    world.settings["dag"] = {"sending_tasks": after}
    lane = world.lane(run_id=lane.run_id, resync=False)
    for index in range(after):
        run_step(replace(lane, shard=Shard(index, after)), "natural_key_changes")
    assert report(lane).status == "ok"
    assert world.there() == world.expected()


@pytest.mark.parametrize("other", ["ends", "dies"])
def test_a_task_that_fails_fails_the_run_with_its_reason(world: World, other: str):
    world.settings["dag"] = {"sending_tasks": 2}
    lane = ten(world)
    down = Fault("status", method="POST", path=RESOURCE, status=503)
    with world.odses[2026].control.faults(down), pytest.raises(StepFailed):
        run_step(replace(lane, shard=Shard(1, 2)), "upsert")
    if other == "ends":
        run_step(replace(lane, shard=Shard(0, 2)), "upsert")
    result = report(lane)
    assert result.status == "failed"
    assert "What was not sent stays queued" in result.message
