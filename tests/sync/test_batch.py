"""Several lanes in a task: each on its own, whatever becomes of the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import runs
from edfi_cte.ledger.schema import lease
from edfi_cte.sync.batch import Batch, batches, each, lanes_per_task, step_of_each, succeeded
from edfi_cte.sync.lane import Lane, StepSkipped
from edfi_cte.sync.steps import STEPS
from tests.sync.world import World, counting_writes, report

BOTH = ["039141-2025", "039141-2026"]


def opening(world: World, run_id: str, **options: bool) -> Callable[[str], Lane]:
    def open_lane(target_id: str) -> Lane:
        return world.lane(int(target_id[-4:]), run_id, **options)

    return open_lane


def go(world: World, run_id: str, *steps: str, again: bool = False, **options: bool) -> dict[str, Batch]:
    """The tasks of a batch, as the DAG has them: a step begins whatever became of the one before."""
    return {step: step_of_each(opening(world, run_id, **options), BOTH, step, again=again) for step in steps or STEPS}


def statuses(world: World, run_id: str) -> dict[int, str]:
    return {year: report(world.lane(year, run_id)).status for year in world.odses}


def kept(world: World, year: int, run_id: str) -> dict[str, Any]:
    lane = world.lane(year, run_id)
    with lane.ledger.connect() as connection:
        steps = runs.steps_of(connection, lane.target_id, run_id)
        return {part: left for parts in steps.values() for part, left in parts.items()}


@pytest.fixture
def filled(world: World) -> World:
    for year in world.odses:
        world.campus.add(year, year=year)
    return world


def test_each_lane_is_brought_to_what_campus_derives(filled: World):
    done = go(filled, "run")
    assert all(set(batch.done) == set(BOTH) for batch in done.values())
    assert statuses(filled, "run") == dict.fromkeys(filled.odses, "ok")
    assert all(filled.there(year) == filled.expected(year) != {} for year in filled.odses)


def test_a_lane_that_fails_stops_no_other_and_is_passed_over_by_later_steps(filled: World):
    filled.settings["targets"][0]["preferences"] = "wrong"
    filled.settings["preferences"]["wrong"] = {"send_enddate": True}
    done = go(filled, "run")
    assert set(done["preflight"].failed) == {BOTH[0]}
    assert BOTH[0] in str(done["preflight"])
    assert not done["preflight"].transient
    for step in list(STEPS)[1:]:
        assert done[step].passed == {BOTH[0]: "preflight has not been done"}
        assert set(done[step].done) == {BOTH[1]}
    assert statuses(filled, "run") == {2025: "failed", 2026: "ok"}
    outcome = each(BOTH, lambda target_id: succeeded(opening(filled, "run")(target_id)))
    assert (list(outcome.failed), list(outcome.done)) == ([BOTH[0]], [BOTH[1]])
    assert "send_enddate" in str(outcome.failed[BOTH[0]])


def test_a_lane_without_a_report_has_not_succeeded(filled: World):
    go(filled, "run", "preflight")
    outcome = each(BOTH, lambda target_id: succeeded(opening(filled, "run")(target_id)))
    assert list(outcome.failed) == BOTH


def test_what_nobody_foresaw_stops_no_other_lane_either(filled: World, caplog: pytest.LogCaptureFixture):
    def open_lane(target_id: str) -> Lane:
        if target_id == BOTH[0]:
            raise ZeroDivisionError
        return opening(filled, "run")(target_id)

    batch = step_of_each(open_lane, BOTH, "preflight", again=False)
    assert (list(batch.failed), list(batch.done), batch.transient) == ([BOTH[0]], [BOTH[1]], True)
    assert "ZeroDivisionError" in caplog.text


def test_a_retry_takes_only_what_is_not_done(filled: World, monkeypatch: pytest.MonkeyPatch):
    go(filled, "run", "preflight")
    with monkeypatch.context() as patch:
        patch.setattr(filled.odses[2026], "base_url", "http://127.0.0.1:9")
        go(filled, "run", "extract", "transform")
        first = go(filled, "run", "upsert")["upsert"]
    assert (list(first.done), list(first.failed), first.transient) == ([BOTH[0]], [BOTH[1]], True)
    before = kept(filled, 2025, "run")
    with counting_writes(filled.odses[2025]) as writes:
        second = go(filled, "run", "upsert", again=True)["upsert"]
    assert set(second.done) == set(BOTH)
    assert second.done[BOTH[0]] == before["upsert"]
    assert (writes, kept(filled, 2025, "run")) == ([0], before)
    go(filled, "run", *list(STEPS)[4:])
    assert statuses(filled, "run") == dict.fromkeys(filled.odses, "ok")


def leases_run_out(world: World) -> None:
    """A list's longest lane has held up the others for longer than a lease lasts."""
    with world.ledger.begin() as connection:
        connection.execute(sa.update(lease).values(expires_at=sa.func.datetime("now", "-1 second")))


def test_a_lane_whose_lease_ran_out_between_two_steps_goes_on(filled: World):
    for step in STEPS:
        done = go(filled, "run", step)[step]
        assert set(done.done) == set(BOTH)
        leases_run_out(filled)
    assert statuses(filled, "run") == dict.fromkeys(filled.odses, "ok")
    assert all(filled.there(year) == filled.expected(year) != {} for year in filled.odses)


def test_a_lane_that_another_run_took_meanwhile_sends_nothing_and_stops_no_other(filled: World):
    go(filled, "run", "preflight", "extract", "transform")
    leases_run_out(filled)
    assert filled.run(2025).status == "ok"
    with counting_writes(filled.odses[2025]) as writes:
        done = go(filled, "run", *list(STEPS)[3:])
    assert "not of this run's last reading" in str(done["upsert"].failed[BOTH[0]])
    assert all(set(batch.done) == {BOTH[1]} for batch in done.values())
    assert writes == [0]
    assert filled.there(2025) == filled.expected(2025)
    assert filled.there(2026) == filled.expected(2026) != {}


def test_a_task_that_was_cleared_does_all_of_its_work_again(filled: World):
    first = go(filled, "run", "preflight", "extract")["extract"].done
    filled.campus.add(7, year=2025, person=3)
    assert go(filled, "run", "extract", again=True)["extract"].done == first
    assert go(filled, "run", "extract")["extract"].done[BOTH[0]]["extracted"] > first[BOTH[0]]["extracted"]


def test_settings_that_have_changed_since_preflight_stop_a_lane_on_a_retry_too(filled: World):
    go(filled, "run", "preflight", "extract")
    filled.settings["targets"][0]["education_organization_id"] = 39142
    batch = go(filled, "run", "extract", again=True)["extract"]
    assert "the settings have changed" in str(batch.failed[BOTH[0]])
    assert set(batch.done) == {BOTH[1]}


def test_a_lane_that_is_off_is_passed_over(filled: World):
    filled.settings["targets"][0]["enabled"] = False
    done = go(filled, "run")
    assert all("toggle is off" in batch.passed[BOTH[0]] for batch in done.values())
    assert statuses(filled, "run") == {2025: "off", 2026: "ok"}


def test_a_dry_run_passes_over_what_sends(filled: World):
    done = go(filled, "run", dry_run=True)
    assert set(done["transform"].done) == set(BOTH)
    assert set(done["upsert"].passed) == set(done["resync_ods"].passed) == set(BOTH)


def test_each_lane_has_its_group_in_the_log(caplog: pytest.LogCaptureFixture):
    def work(target_id: str) -> int:
        if target_id == "b":
            raise StepSkipped("nothing to do")
        if target_id == "c":
            raise EdfiCteError("no way")
        return 1

    caplog.set_level(logging.INFO)
    batch = each(["a", "b", "c"], work)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        *("::group::a", "::endgroup::"),
        *("::group::b", "b: passed over: nothing to do", "::endgroup::"),
        *("::group::c", "no way", "::endgroup::"),
    ]
    assert batch.seconds.keys() == {"a", "b", "c"}
    assert all(0 <= seconds < 60 for seconds in batch.seconds.values())
    assert str(batch).startswith("1 of 3 lanes failed")
    assert str(batch).endswith(": c")


@pytest.mark.parametrize(("asked", "targets", "taken"), [(None, 200, 1), (None, 201, 50), (1, 201, 1), (7, 3, 7)])
def test_how_many_lanes_a_task_takes(asked: int | None, targets: int, taken: int):
    assert lanes_per_task(asked, targets) == taken


@pytest.mark.parametrize(("targets", "size", "lists"), [(3, 1, 3), (101, 50, 3), (1024, 1, 1024), (1116, 1, 558)])
def test_no_more_lists_than_airflow_maps(targets: int, size: int, lists: int, caplog: pytest.LogCaptureFixture):
    made = batches([str(n) for n in range(targets)], size, 1024)
    assert (len(made), [name for names in made for name in names]) == (lists, [str(n) for n in range(targets)])
    assert ("max_map_length" in caplog.text) == (targets == 1116)
