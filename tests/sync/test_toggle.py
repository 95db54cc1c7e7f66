# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The resource toggle (page: None, "all sent data remains in the ODS but no new data sends")."""

import time
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from edfi_cte.errors import EdfiCteError
from edfi_cte.settings import SettingsError, load_settings
from edfi_cte.sync import lease
from edfi_cte.sync.lane import STEP_NAMES, StepFailed, StepSkipped
from edfi_cte.sync.toggle import ToggleWatch
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, counting_writes

SENDS = ("upsert", "natural_key_changes", "resync_identity_mapping", "resync_ods")


def test_off_stops_every_write_and_on_again_sends_the_difference(world: World):
    world.campus.add(1)
    world.campus.add(2, person=2)
    world.run()
    sent = world.there()
    world.campus.remove(1)
    world.campus.add(3, person=3)
    [kept] = [
        d for d in world.odses[2026].control.documents(RESOURCE) if "01" in d["studentReference"]["studentUniqueId"]
    ]
    world.settings["targets"][1]["enabled"] = False
    with counting_writes(world.odses[2026]) as counted:
        result = world.run()
    assert counted == [0]
    assert result.status == "off"
    assert world.there() == sent
    assert kept in world.odses[2026].control.documents(RESOURCE)
    world.settings["targets"][1]["enabled"] = True
    assert world.run().counts["sent"] == {"Post": 1, "Put": 0, "Delete": 1, "Delete/Post": 0}
    assert world.there() == world.expected()


def test_off_for_one_year_is_on_for_the_other(world: World):
    world.campus.add(1, year=2025)
    world.settings["targets"][1]["enabled"] = False
    assert world.run(2025).counts["sent"]["Post"] == 1


def with_work_for_each_step(world: World) -> None:
    """A post and a delete; and for the resync, one record gone from the ODS and one that has no source."""
    for number in (1, 2, 3):
        world.campus.add(number, person=number)
    world.run()
    control = world.odses[2026].control
    first, second, _ = control.documents(RESOURCE)
    own = {k: v for k, v in second.items() if k not in ("id", "_etag", "_lastModifiedDate")}
    control.delete(RESOURCE, first["id"])
    control.put(RESOURCE, own | {"beginDate": "2025-10-01"})
    world.campus.remove(3)
    world.campus.add(4, person=4)


def switch_off(world: World) -> None:
    world.settings["targets"][1]["enabled"] = False


@pytest.mark.parametrize("step", SENDS)
def test_off_between_two_tasks_stops_what_is_queued(world: World, step: str):
    with_work_for_each_step(world)
    world.do("run", *STEP_NAMES[: STEP_NAMES.index(step)])
    switch_off(world)
    with counting_writes(world.odses[2026]) as counted, pytest.raises(StepSkipped, match="toggle is off"):
        world.do("run", step)
    assert counted == [0]


def test_off_before_the_first_task_that_sends_is_reported_as_off(world: World):
    with_work_for_each_step(world)
    world.do("run", "preflight", "extract", "transform")
    switch_off(world)
    assert world.report("run").status == "off"


def test_off_before_a_task_of_an_earlier_run_is_cleared_sends_nothing(world: World):
    """A run stops in an outage, the state closes the year, the toggle goes off, someone clears the failed task."""
    with_work_for_each_step(world)
    sent = world.there()
    stop_in_an_outage(world)
    switch_off(world)
    assert world.run().status == "off"
    with pytest.raises(StepSkipped, match="toggle is off"):
        world.do("run", "upsert")
    assert world.there() == sent


def stop_in_an_outage(world: World) -> None:
    down = Fault("status", method="POST", path=RESOURCE, status=503)
    with world.odses[2026].control.faults(down), pytest.raises(StepFailed):
        world.do("run", *STEP_NAMES)
    world.report("run")


@pytest.mark.parametrize("step", ["natural_key_changes", "resync_ods"])
def test_off_after_a_task_that_sends_is_reported_as_off(world: World, step: str):
    with_work_for_each_step(world)
    world.do("run", *STEP_NAMES[: STEP_NAMES.index(step)])
    switch_off(world)
    assert world.report("run").status == "off"


def test_off_before_a_task_of_an_earlier_run_is_cleared_is_reported_as_off(world: World):
    with_work_for_each_step(world)
    stop_in_an_outage(world)
    switch_off(world)
    with pytest.raises(StepSkipped):
        world.do("run", "upsert")
    assert world.report("run").status == "off"


@pytest.mark.parametrize("gone", ["off", "not named any more"])
def test_off_in_the_middle_of_a_step_stops_what_has_not_begun(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
):
    for number in range(1, 41):
        world.campus.add(number, person=number % 8 + 1, startDate=datetime(2025, 9, 1) + timedelta(days=number))
    world.do("run", "preflight", "extract", "transform")
    monkeypatch.setattr(lease, "LOOK", 0)
    path = tmp_path / "edfi_cte.yaml"
    path.write_text(yaml.safe_dump(world.settings))
    watch, looks = ToggleWatch(path, load_settings, "039141-2026"), 0

    def switched_off_at_the_tenth_look() -> EdfiCteError | None:
        nonlocal looks
        looks += 1
        if looks == 10:
            settings = deepcopy(world.settings)
            if gone == "off":
                settings["targets"][1]["enabled"] = False
            else:
                settings["targets"].pop()
            path.write_text(yaml.safe_dump(settings))
        return watch()

    world.watch = switched_off_at_the_tenth_look
    stopped = pytest.raises(StepSkipped if gone == "off" else SettingsError)
    with counting_writes(world.odses[2026]) as counted, stopped:
        world.do("run", "upsert")
    assert counted == [9]
    world.watch = lambda: None
    world.do("run", "upsert", "natural_key_changes", "resync_identity_mapping", "resync_ods")
    assert world.report("run").status == "ok"
    assert world.there() == world.expected()


def test_off_is_seen_while_no_request_is_sent(world: World, monkeypatch: pytest.MonkeyPatch):
    """In a step that waits, or writes to the ledger alone for long."""
    monkeypatch.setattr(lease, "RENEW", timedelta(seconds=0.02))
    world.watch = lambda: StepSkipped("off")
    lane = world.lane()
    with lane.held("preflight"):
        until = time.monotonic() + 30
        while lane.lease.over is None and time.monotonic() < until:
            time.sleep(0.01)
        assert str(lane.lease.over) == "off"


def test_a_file_that_is_being_written_ends_nothing_until_it_stays_unreadable(tmp_path: Path, world: World):
    path = tmp_path / "edfi_cte.yaml"
    path.write_text(yaml.safe_dump(world.settings))
    watch = ToggleWatch(path, load_settings, "039141-2026")
    path.write_text("")
    assert watch() is None
    path.write_text(yaml.safe_dump(world.settings))
    assert watch() is None
    path.write_text("version: [")
    assert watch() is None
    assert isinstance(watch(), SettingsError)
