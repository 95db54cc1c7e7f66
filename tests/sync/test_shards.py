"""A step whose sending several tasks share: each event is sent by one of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from edfi_cte.sync.lane import SHARED_STEPS, Shard, StepFailed
from edfi_cte.sync.report import report
from edfi_cte.sync.steps import STEPS, run_step
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, writes


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
    assert attempted["upsert"] == [10, 10, 10, 10]
    result = report(lane)
    assert result.status == "ok"
    assert result.counts["sent"]["Post"] == 40
    assert writes(world.odses[2026]) == 40
    assert world.there() == world.expected()


def test_a_task_that_dies_while_the_others_end_fails_the_run(world: World):
    for number in range(1, 11):
        world.campus.add(number, startDate=datetime(2025, 8, 20) + timedelta(days=number))  # noqa: DTZ001
    world.settings["dag"] = {"sending_tasks": 2}
    lane = world.lane(resync=False)
    for step in ("preflight", "extract", "transform"):
        run_step(lane, step)
    run_step(replace(lane, shard=Shard(0, 2)), "upsert")
    for index in range(2):
        run_step(replace(lane, shard=Shard(index, 2)), "natural_key_changes")
    result = report(lane)
    assert result.status == "failed"
    assert "upsert did not end" in result.message
    assert result.counts["left in the queue"] == 5
    del world.settings["dag"]
    assert world.run().counts["sent"]["Post"] == 5
    assert world.there() == world.expected()


@pytest.mark.parametrize("other", ["ends", "dies"])
def test_a_task_that_fails_fails_the_run_with_its_reason(world: World, other: str):
    for number in range(1, 11):
        world.campus.add(number, startDate=datetime(2025, 8, 20) + timedelta(days=number))  # noqa: DTZ001
    world.settings["dag"] = {"sending_tasks": 2}
    lane = world.lane(resync=False)
    for step in ("preflight", "extract", "transform"):
        run_step(lane, step)
    down = Fault("status", method="POST", path=RESOURCE, status=503)
    with world.odses[2026].control.faults(down), pytest.raises(StepFailed):
        run_step(replace(lane, shard=Shard(1, 2)), "upsert")
    if other == "ends":
        run_step(replace(lane, shard=Shard(0, 2)), "upsert")
    result = report(lane)
    assert result.status == "failed"
    assert "What was not sent stays queued" in result.message
