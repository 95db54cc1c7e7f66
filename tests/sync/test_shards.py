"""A step whose sending several tasks share: each event is sent by one of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from edfi_cte.sync.lane import Shard
from edfi_cte.sync.report import report
from edfi_cte.sync.steps import STEPS, run_step
from tests.sync.world import World, writes


def test_tasks_that_share_a_step_send_each_event_once(world: World):
    for number in range(1, 41):
        world.campus.add(number, startDate=datetime(2025, 8, 20) + timedelta(days=number))  # noqa: DTZ001
    world.settings["dag"] = {"sending_tasks": 4}
    lane = world.lane(run_id="shared")
    for step in STEPS:
        if step != "upsert":
            run_step(lane, step)
            continue
        shards = [replace(lane, shard=Shard(index, 4)) for index in range(4)]
        with ThreadPoolExecutor() as threads:
            counts = list(threads.map(lambda shard: run_step(shard, "upsert"), shards))
        assert [count["attempted"] for count in counts] == [10, 10, 10, 10]
    result = report(lane)
    assert result.status == "ok"
    assert result.counts["sent"]["Post"] == 40
    assert writes(world.odses[2026]) == 40
    assert world.there() == world.expected()
