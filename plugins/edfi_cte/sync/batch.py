"""Several lanes in one task: each through the same step, one after the other, none stopped by another.

A process of Airflow costs some seconds a lane and step, a small lane's own work a quarter of one: a state's lanes
share processes. Nothing else is shared. Each has its own lease, result in the ledger, report and group in the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import runs
from edfi_cte.lines import say
from edfi_cte.sync.lane import STEP_NAMES, Lane, StepFailed, StepSkipped
from edfi_cte.sync.report import expected_steps
from edfi_cte.sync.steps import run_step

log = logging.getLogger(__name__)
T = TypeVar("T")

AUTOMATIC_ABOVE = 200
AUTOMATIC = 50


def lanes_per_task(asked: int | None, targets: int) -> int:
    """How many lanes a task takes: as many as the settings ask for, or, where they don't, what the number needs."""
    return asked or (AUTOMATIC if targets > AUTOMATIC_ABOVE else 1)


def batches(target_ids: Sequence[str], size: int, most: int) -> list[list[str]]:
    """``target_ids`` in lists of ``size``; of more, where there would be more than the ``most`` that Airflow maps."""
    if -(-len(target_ids) // size) > most:
        fitting = -(-len(target_ids) // most)
        say(
            log,
            logging.WARNING,
            f"{len(target_ids)} targets in lists of {size} are more than the {most} that Airflow maps ([core] "
            f"max_map_length): each task takes {fitting}. Set dag.lanes_per_task to {fitting} or more.",
        )
        size = fitting
    return [list(target_ids[at : at + size]) for at in range(0, len(target_ids), size)]


@dataclass
class Batch:
    """What became of each lane, by target id. ``passed``: not begun, and why."""

    done: dict[str, Any] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each took."""

    @property
    def transient(self) -> bool:
        """Whether trying again may help one of those that failed. What nobody foresaw may be anything."""
        return any(getattr(error, "transient", True) for error in self.failed.values())

    def __str__(self) -> str:
        """Of those that failed."""
        of = len(self.done) + len(self.passed) + len(self.failed)
        return f"{len(self.failed)} of {of} lanes failed, each for the reason in its group of the log: " + ", ".join(
            self.failed
        )


def step_of_each(open_lane: Callable[[str], Lane], target_ids: Sequence[str], step: str, *, again: bool) -> Batch:
    """One step of each lane. ``again``: a retry, which takes only what an earlier try has not done.

    A lane that has not done its earlier steps is passed over: its report says why.
    """

    def work(target_id: str) -> dict[str, Any]:
        lane = open_lane(target_id)
        if lane.target.enabled:
            with lane.ledger.connect() as connection:
                row = runs.of_owner(connection, lane.target_id, lane.owner)
                kept = runs.steps_of(connection, lane.target_id, row.run_id) if row else {}
            if missing := _missing(lane, step, kept):
                raise StepSkipped(f"{missing} has not been done")
            before = kept.get(step, {}).get(lane.shard.name_of(step), {"fault": "not done"})
            if again and "fault" not in before and row and row.settings_digest == lane.settings_digest:
                log.info("%s: done by an earlier try", target_id)
                return before
        return run_step(lane, step)

    return each(target_ids, work)


def each(target_ids: Sequence[str], work: Callable[[str], T]) -> Batch:
    """``work`` done for each lane, with what came of it."""
    batch = Batch()
    for target_id in target_ids:
        with _group(target_id):
            began = time.monotonic()
            try:
                batch.done[target_id] = work(target_id)
            except StepSkipped as skipped:
                say(log, logging.INFO, f"{target_id}: passed over: {skipped}")
                batch.passed[target_id] = str(skipped)
            except EdfiCteError as error:
                say(log, logging.ERROR, str(error))  # A stack is not what its reader needs.
                batch.failed[target_id] = error
            except Exception as error:
                log.exception("%s: %s", target_id, type(error).__name__)
                batch.failed[target_id] = error
            batch.seconds[target_id] = time.monotonic() - began
    return batch


def succeeded(lane: Lane) -> None:
    """Raises StepFailed with its report's message if a lane's run has failed, or was not reported."""
    with lane.ledger.connect() as connection:
        row = runs.of_owner(connection, lane.target_id, lane.owner)
    if row is None or row.finished_at is None:
        raise StepFailed(f"{lane.target_id}: there is no report of this run; the log of report says why")
    if row.status == "failed":
        raise StepFailed(row.message or f"{lane.target_id}: a step failed")


@contextmanager
def _group(target_id: str) -> Iterator[None]:
    """A group of its own in the task's log, which Airflow's page folds."""
    log.info("::group::%s", target_id)
    try:
        yield
    finally:
        log.info("::endgroup::")


def _missing(lane: Lane, step: str, kept: dict[str, dict[str, dict[str, Any]]]) -> str | None:
    """The first earlier step that has not been done, if there is one."""
    for earlier in expected_steps(lane):
        if STEP_NAMES.index(earlier) >= STEP_NAMES.index(step):
            return None
        parts = kept.get(earlier, {})
        if not parts or any("fault" in left for left in parts.values()):
            return earlier
    return None
