"""Targets at a glance, and the history of their runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
import sqlalchemy as sa

from edfi_cte.ledger.schema import run, run_step, target

RUNS_SHOWN = 30
_DRY_RUN = "dry run"
_TOLD = ("report", "transform", "resync_identity_mapping", "resync_ods")
"""The steps that say how a run went."""


@dataclass(frozen=True)
class StepLeft:
    """A step of a run, or the part of one that a task did: when, in which task, and what it left."""

    step: str
    part: str
    began_at: datetime
    ended_at: datetime
    task_id: str | None
    map_index: int | None
    counts: str

    @cached_property
    def left(self) -> dict[str, Any]:
        """What it counted, or as ``fault`` why it could not."""
        left: dict[str, Any] = msgspec.json.decode(self.counts)
        return left

    @property
    def fault(self) -> str | None:
        """Why it could not do its work, if it could not."""
        return self.left.get("fault")


@dataclass(frozen=True)
class Run:
    """A run of one target, as far as its ``steps`` were asked for."""

    target_id: str
    run_id: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    message: str | None
    dag_id: str | None
    asked: str = "{}"
    steps: tuple[StepLeft, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The params that it was triggered with."""
        parameters: dict[str, Any] = msgspec.json.decode(self.asked)
        return parameters

    def step(self, name: str) -> StepLeft | None:
        """What a step has left, if it got so far."""
        return next((step for step in self.steps if step.step == name), None)

    @property
    def dag_run_id(self) -> str:
        """The run's id in Airflow: in the ledger it has its DAG's name beside it where two DAGs' ids are the same."""
        return self.run_id.removesuffix(f" of {self.dag_id}")

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the run's report counted, by name; empty while it is open."""
        step = self.step("report")
        return step.left if step else {}

    @property
    def planned(self) -> bool:
        """Whether it got as far as to say what became of each record."""
        step = self.step("transform")
        return step is not None and step.fault is None

    @property
    def counted(self) -> bool:
        """Whether its report says what became of each record."""
        return self.planned and bool(self.report)

    @property
    def plan_after(self) -> int:
        """The last event before its last plan."""
        step = self.step("transform")
        return int(step.left.get("plan_after", 0)) if step else 0

    @property
    def sent(self) -> int:
        """Events sent, of every action."""
        return sum(self.report.get("sent", {}).values())

    @property
    def resynced_at(self) -> datetime | None:
        """When all that is ours was last compared with what the ODS holds, by this run or one before it.

        Most resyncs read what has changed since the one before; those say when all was read.
        """
        step, read = self.step("resync_ods"), self.step("resync_identity_mapping")
        if step is None or read is None or step.fault or read.fault:
            return None
        whole_at = read.left.get("next_resync", {}).get("whole_at")
        return datetime.fromisoformat(whole_at).replace(tzinfo=None) if whole_at else self.started_at


_COLUMNS = (
    run.c.target_id,
    run.c.run_id,
    run.c.started_at,
    run.c.finished_at,
    run.c.status,
    run.c.message,
    run.c.dag_id,
    run.c.parameters,
)
_STEP_COLUMNS = (
    run_step.c.step,
    run_step.c.part,
    run_step.c.began_at,
    run_step.c.ended_at,
    run_step.c.task_id,
    run_step.c.map_index,
    run_step.c.counts,
)


def _run(row: Any, steps: Sequence[StepLeft] = ()) -> Run:
    target_id, run_id, started_at, finished_at, status, message, dag_id, asked = row[: len(_COLUMNS)]
    return Run(target_id, run_id, started_at, finished_at, status, message, dag_id, asked, tuple(steps))


def targets(connection: sa.Connection) -> list[str]:
    """The targets that the ledger knows, by name."""
    return list(connection.scalars(sa.select(target.c.target_id).order_by(target.c.target_id)))


def last_runs(connection: sa.Connection) -> dict[str, Run]:
    """The newest run of each target that is no dry run, with its report alone."""
    one = run.alias("one")
    newest = (
        sa.select(one.c.run_id)
        .where(one.c.target_id == target.c.target_id, one.c.status != _DRY_RUN)
        .order_by(one.c.started_at.desc())
        .limit(1)
        .correlate(target)
        .scalar_subquery()
    )
    of_run = sa.and_(
        run_step.c.target_id == run.c.target_id, run_step.c.run_id == run.c.run_id, run_step.c.part == "report"
    )
    rows = connection.execute(
        sa.select(*_COLUMNS, *_STEP_COLUMNS)
        .select_from(target)
        .join(run, sa.and_(run.c.target_id == target.c.target_id, run.c.run_id == newest))
        .outerjoin(run_step, of_run)
    ).all()
    found = {}
    for row in rows:
        step = row[len(_COLUMNS) :]
        found[row.target_id] = _run(row, [StepLeft(*step)] if row.part else [])
    return found


def recent_runs(connection: sa.Connection, target_id: str, limit: int = RUNS_SHOWN) -> list[Run]:
    """The newest runs of a target, newest first, with the steps that say how they went."""
    statement = sa.select(*_COLUMNS).where(run.c.target_id == target_id).order_by(run.c.started_at.desc())
    rows = connection.execute(statement.limit(limit)).all()
    steps = _steps(connection, target_id, [row.run_id for row in rows], _TOLD)
    return [_run(row, steps.get(row.run_id, [])) for row in rows]


def _steps(
    connection: sa.Connection, target_id: str, run_ids: Sequence[str], only: Collection[str] = ()
) -> dict[str, list[StepLeft]]:
    statement = sa.select(run_step.c.run_id, *_STEP_COLUMNS).where(
        run_step.c.target_id == target_id, run_step.c.run_id.in_(run_ids)
    )
    if only:
        statement = statement.where(run_step.c.step.in_(only))
    found: dict[str, list[StepLeft]] = {}
    for run_id, *step in connection.execute(statement.order_by(run_step.c.began_at, run_step.c.part)):
        found.setdefault(run_id, []).append(StepLeft(*step))
    return found


def lacking_in_ods(connection: sa.Connection, target_id: str) -> set[str] | None:
    """The descriptors that the ODS lacked when a preflight looked last; ``None`` if none has said."""
    of_target = (run_step.c.target_id == target_id, run_step.c.step == "preflight")
    statement = sa.select(run_step.c.counts).where(*of_target).order_by(run_step.c.began_at.desc()).limit(RUNS_SHOWN)
    for counts in connection.scalars(statement):
        lacking = msgspec.json.decode(counts).get("lacking")
        if lacking is not None:
            return set(lacking)
    return None


def find_run(connection: sa.Connection, target_id: str, run_id: str) -> Run | None:
    """One run with all its steps. A ``+`` that an address has turned into a blank is found as well."""
    for spelling in _spellings(run_id):
        row = connection.execute(
            sa.select(*_COLUMNS).where(run.c.target_id == target_id, run.c.run_id == spelling)
        ).first()
        if row is not None:
            return _run(row, _steps(connection, target_id, [spelling]).get(spelling, []))
    return None


def _spellings(run_id: str) -> list[str]:
    return list(dict.fromkeys((run_id, run_id.replace(" ", "+"))))


def targets_of_run(connection: sa.Connection, run_id: str) -> list[str]:
    """The targets that a DAG run has worked on, by name."""
    statement = (
        sa.select(target.c.target_id)
        .join(run, sa.and_(run.c.target_id == target.c.target_id, run.c.run_id.in_(_spellings(run_id))))
        .order_by(target.c.target_id)
    )
    return list(connection.scalars(statement))


def neighbours(connection: sa.Connection, this: Run) -> tuple[str | None, str | None]:
    """The ids of the runs of the target before and after a run."""
    of_target = sa.select(run.c.run_id).where(run.c.target_id == this.target_id, run.c.run_id != this.run_id)
    before = of_target.where(run.c.started_at <= this.started_at).order_by(run.c.started_at.desc()).limit(1)
    after = of_target.where(run.c.started_at > this.started_at).order_by(run.c.started_at).limit(1)
    return connection.scalar(before), connection.scalar(after)


def last_counted(runs: Sequence[Run]) -> Run | None:
    """The newest of some runs, newest first, that says what became of each record."""
    return next((one for one in runs if one.counted), None)
