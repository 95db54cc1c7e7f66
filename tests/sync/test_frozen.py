# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""A worker that stood still while others went on sends nothing more once it wakes up: real processes and signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.leases import LeaseHeld
from edfi_cte.sync.lane import STEP_NAMES
from tests.ledger.conftest import ENGINES
from tests.ledger.databases import empty_ledger_url
from tests.sync.world import World, counting_writes

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[name for name in ENGINES if name != "sqlserver"])
def shared(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[World]:
    """A world whose ledger other processes can open: ten records sent, or on their way."""
    world.ledger_url = empty_ledger_url(request, request.param, tmp_path)
    world.ledger = open_ledger(world.ledger_url)
    world.settings["guards"] = {"max_delete_fraction": 1, "max_delete_count": 1000}
    for number in range(1, 11):
        world.campus.add(number, person=number % 8 + 1, startDate=datetime(2025, 9, number))
    yield world
    world.ledger.dispose()


def with_work_for(world: World, step: str) -> None:
    """Ten posts, or ten changes of keys, in the queue of the run."""
    if step == "natural_key_changes":
        world.run()
        for number in range(1, 11):
            world.campus.set("Enrollment", number, startDate=datetime(2025, 10, number))
    world.do("run", *STEP_NAMES[: STEP_NAMES.index(step)])


@contextmanager
def frozen_in(step: str, world: World) -> Iterator[subprocess.Popen[str]]:
    """Another process that has frozen in the middle of the step; it wakes up at the end of the block."""
    ods = world.odses[2026]
    command = [sys.executable, "-m", "tests.sync.frozen", ods.base_url, ods.key, ods.secret, world.ledger_url, "run"]
    with subprocess.Popen(
        [*command, step],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            _, status = os.waitpid(worker.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), "it came to its end without freezing"
            yield worker
        finally:
            worker.kill()


def wake(worker: subprocess.Popen[str]) -> str:
    """How its step ended."""
    worker.send_signal(signal.SIGCONT)
    said, _ = worker.communicate(timeout=60)
    return said.strip()


def once_it_counts_as_dead(world: World, run_id: str, step: str) -> None:
    """The step as the first of others, which are refused with the time until the frozen worker's is up."""
    for _ in range(100):
        try:
            world.do(run_id, step)
        except LeaseHeld as held:
            assert "UTC" in str(held)  # noqa: PT017
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the lease of the frozen worker does not end")


@pytest.mark.parametrize("step", ["upsert", "natural_key_changes"])
def test_the_next_try_of_its_run_goes_on_and_it_sends_nothing_more(shared: World, step: str):
    with_work_for(shared, step)
    with frozen_in(step, shared) as worker:
        once_it_counts_as_dead(shared, "run", step)
        shared.do("run", *STEP_NAMES[STEP_NAMES.index(step) + 1 :])
        assert shared.report("run").status == "ok"
        with counting_writes(shared.odses[2026]) as counted:
            assert wake(worker) in ("LeaseLost", "StoodStill")
    assert counted == [0]
    assert shared.there() == shared.expected()


@pytest.mark.parametrize("step", ["upsert", "natural_key_changes"])
def test_another_run_with_another_plan_goes_on_and_it_sends_nothing_more(shared: World, step: str):
    with_work_for(shared, step)
    with frozen_in(step, shared) as worker:
        for number in range(1, 6):
            shared.campus.set("Enrollment", number, startDate=datetime(2025, 11, number))
        once_it_counts_as_dead(shared, "another", "preflight")
        shared.do("another", *STEP_NAMES[1:])
        assert shared.report("another").status == "ok"
        with counting_writes(shared.odses[2026]) as counted:
            assert wake(worker) in ("LeaseLost", "StoodStill")
    assert counted == [0]
    assert shared.there() == shared.expected()
    assert shared.run(resync=False).counts["planned"] == {}


def test_it_sends_nothing_more_though_nobody_has_gone_on(shared: World):
    """It cannot know: its time is up by its own clock."""
    with_work_for(shared, "upsert")
    with frozen_in("upsert", shared) as worker:
        time.sleep(3)
        with counting_writes(shared.odses[2026]) as counted:
            assert wake(worker) == "StoodStill"
    assert counted == [0]
    shared.do("run", *STEP_NAMES[3:])
    assert shared.report("run").status == "ok"
    assert shared.there() == shared.expected()
