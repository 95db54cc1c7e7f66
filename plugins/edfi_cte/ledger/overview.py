"""Targets at a glance, and the history of their runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edfi_cte.ledger.schema import run, target

RUNS_SHOWN = 30
_DRY_RUN = "dry run"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of one target. ``steps``: what each step has left, by name, ``report`` among them."""

    target_id: str
    run_id: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    message: str | None
    parameters: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def report(self) -> dict[str, Any]:
        """What the run's report counted, by name; empty while it is open."""
        return self.steps.get("report", {})

    @property
    def counted(self) -> bool:
        """Whether it got as far as to say what became of each record."""
        return "transform" in self.steps and bool(self.report)

    @property
    def sent(self) -> int:
        """Events sent, of every action."""
        return sum(self.report.get("sent", {}).values())

    @property
    def resynced(self) -> bool:
        """Whether it compared all that is ours with what the ODS holds."""
        step = self.steps.get("resync_ods")
        return step is not None and "fault" not in step


_COLUMNS = (
    run.c.target_id,
    run.c.run_id,
    run.c.started_at,
    run.c.finished_at,
    run.c.status,
    run.c.message,
    run.c.parameters,
    run.c.counts,
)


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        row.target_id,
        row.run_id,
        row.started_at,
        row.finished_at,
        row.status,
        row.message,
        json.loads(row.parameters),
        json.loads(row.counts),
    )


def targets(connection: sa.Connection) -> dict[str, sa.Row[Any]]:
    """What the ledger knows of each target, by its name."""
    rows = connection.execute(sa.select(target).order_by(target.c.target_id))
    return {row.target_id: row for row in rows}


def last_runs(connection: sa.Connection) -> dict[str, Run]:
    """The newest run of each target that is no dry run."""
    one = run.alias("one")
    newest = (
        sa.select(one.c.run_id)
        .where(one.c.target_id == target.c.target_id, one.c.status != _DRY_RUN)
        .order_by(one.c.started_at.desc())
        .limit(1)
        .correlate(target)
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(*_COLUMNS).join(target, sa.and_(run.c.target_id == target.c.target_id, run.c.run_id == newest))
    )
    return {row.target_id: _run(row) for row in rows}


def recent_runs(connection: sa.Connection, target_id: str, limit: int = RUNS_SHOWN) -> list[Run]:
    """The newest runs of a target, newest first."""
    statement = sa.select(*_COLUMNS).where(run.c.target_id == target_id).order_by(run.c.started_at.desc())
    return [_run(row) for row in connection.execute(statement.limit(limit))]


def find_run(connection: sa.Connection, target_id: str, run_id: str) -> Run | None:
    """One run. A ``+`` that an address has turned into a blank is found as well."""
    for spelling in dict.fromkeys((run_id, run_id.replace(" ", "+"))):
        row = connection.execute(
            sa.select(*_COLUMNS).where(run.c.target_id == target_id, run.c.run_id == spelling)
        ).first()
        if row is not None:
            return _run(row)
    return None


def targets_of_run(connection: sa.Connection, run_id: str) -> list[str]:
    """The targets that a DAG run has worked on, by name."""
    spellings = list(dict.fromkeys((run_id, run_id.replace(" ", "+"))))
    statement = (
        sa.select(target.c.target_id)
        .join(run, sa.and_(run.c.target_id == target.c.target_id, run.c.run_id.in_(spellings)))
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
