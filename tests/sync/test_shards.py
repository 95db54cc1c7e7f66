"""A step whose sending several tasks share: each event is sent by one of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from edfi_cte.sync.lane import SHARED_STEPS, Shard
from edfi_cte.sync.report import report
from edfi_cte.sync.steps import STEPS, run_step
from tests.sync.world import World, writes


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
