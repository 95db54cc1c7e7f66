"""Targets, and the history of their runs."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ledger.leases import Owner
from edfi_cte.ledger.schema import attempt, event, identity_mapping, lease, run, run_step, target
from edfi_cte.ledger.server_clock import server_now


def try_write(connection: sa.Connection) -> None:
    """Insert, update and delete a row, and take it all back. Raises what the database does."""
    row = {"target_id": "rights", "edfi_conn_id": "", "scope_year": 0, "education_organization_id": 0}
    mine = target.c.target_id == "rights"
    connection.execute(sa.insert(target).values(row))
    connection.execute(sa.update(target).where(mine).values(scope_year=1))
    connection.execute(sa.delete(target).where(mine))
    connection.rollback()


def describe(connection: sa.Connection, target_id: str, **values: Any) -> None:
    """Set what is known of a target (its data standard, connection and address, education organization)."""
    connection.execute(sa.update(target).where(target.c.target_id == target_id).values(**values))


def know_ods(connection: sa.Connection, target_id: str, since: datetime) -> None:
    """The ODS at the target's address was read to its end: what turns up in it from now on is no first contact's."""
    connection.execute(
        sa.update(target)
        .where(target.c.target_id == target_id, target.c.known_since.is_(None))
        .values(known_since=since)
    )


def transformed_with(connection: sa.Connection, target_id: str) -> str | None:
    """The fingerprint of the preferences that all of a target's outcomes are made with, if there is one."""
    return connection.execute(sa.select(target.c.transformed_with).where(target.c.target_id == target_id)).scalar()


def get_target(connection: sa.Connection, target_id: str) -> sa.Row[Any] | None:
    """What the ledger knows of a target, or ``None`` if it never ran."""
    return connection.execute(sa.select(target).where(target.c.target_id == target_id)).first()


def other_education_organization(
    connection: sa.Connection, *, edfi_conn_id: str, scope_year: int, edorg_id: int
) -> sa.Row[Any] | None:
    """The target of another education organization whose records were sent over the same connection and year."""
    return connection.execute(
        sa.select(target.c.target_id, target.c.education_organization_id)
        .join(identity_mapping, identity_mapping.c.target_id == target.c.target_id)
        .where(
            target.c.edfi_conn_id == edfi_conn_id,
            target.c.scope_year == scope_year,
            target.c.education_organization_id != edorg_id,
        )
        .limit(1)
    ).first()


def start(connection: sa.Connection, target_id: str, owner: Owner, parameters: dict[str, Any]) -> str:
    """Open the run's entry in the history, or keep it; its name there.

    That is the run's id, with the DAG's where a run of another DAG has the same id. The same run of another Airflow,
    as while one is moved, goes on in the entry of the first.
    """
    names = (owner.run_id[:250], f"{owner.run_id} of {owner.dag_id}"[:250])
    for name in names:
        row = get_run(connection, target_id, name)
        if row is None:
            values = {"started_at": bulk.now(), "status": "running", "parameters": json.dumps(parameters)}
            this = {"target_id": target_id, "run_id": name, "owner": owner.key, "dag_id": owner.dag_id[:250]}
            connection.execute(sa.insert(run).values(**this, **values))
            return name
        if (row.dag_id or "") in ("", owner.dag_id):
            if row.owner != owner.key:
                _set(connection, target_id, name, owner=owner.key, dag_id=owner.dag_id)
            return name
    return names[-1]


def twin_at_work(connection: sa.Connection, target_id: str, owner: Owner) -> bool:
    """Whether the entry of that name is the same run's of another Airflow, which has the target."""
    twin = run.c.owner == lease.c.owner
    found = connection.execute(
        sa.select(run.c.owner)
        .join(lease, sa.and_(lease.c.target_id == run.c.target_id, twin))
        .where(
            run.c.target_id == target_id,
            run.c.run_id == owner.run_id[:250],
            run.c.dag_id == owner.dag_id,
            lease.c.expires_at > server_now(),
        )
    ).scalar()
    return found not in (None, owner.key)


def of_owner(connection: sa.Connection, target_id: str, owner: Owner) -> sa.Row[Any] | None:
    """A run's entry, under whatever name."""
    return connection.execute(sa.select(run).where(run.c.target_id == target_id, run.c.owner == owner.key)).first()


def get_run(connection: sa.Connection, target_id: str, run_id: str) -> sa.Row[Any] | None:
    """One entry of the history."""
    return connection.execute(sa.select(run).where(run.c.target_id == target_id, run.c.run_id == run_id)).first()


def steps_of(connection: sa.Connection, target_id: str, run_id: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What the steps of a run have left: by step and part, what each counted, or as ``fault`` why it could not."""
    rows = connection.execute(sa.select(run_step).where(*_of_run(target_id, run_id)).order_by(run_step.c.part))
    steps: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        steps.setdefault(row.step, {})[row.part] = json.loads(row.counts)
    return steps


def plan_after(connection: sa.Connection, target_id: str, run_id: str) -> int:
    """The last event before a run's last plan: what an earlier pass of a run that was cleared had refused is past."""
    made = steps_of(connection, target_id, run_id).get("transform", {}).get("transform", {})
    return int(made.get("plan_after", 0))


def forget(connection: sa.Connection, target_id: str, run_id: str, part: str, later: Collection[str]) -> None:
    """Drop what an earlier try of a step's part, and of all ``later`` steps, has left: it starts afresh."""
    old = sa.or_(run_step.c.part == part, run_step.c.step.in_(later))
    connection.execute(sa.delete(run_step).where(*_of_run(target_id, run_id), old))


class Task(NamedTuple):
    """The Airflow task that does a step, for links to its log; ``began_at`` is UTC."""

    began_at: datetime
    task_id: str | None = None
    map_index: int | None = None


def keep(
    connection: sa.Connection, target_id: str, run_id: str, step: str, part: str, task: Task, left: dict[str, Any]
) -> None:
    """Keep what a step (or a part of one) counted, or ``{"fault": why}``, in the place of what was there."""
    connection.execute(sa.delete(run_step).where(*_of_run(target_id, run_id), run_step.c.part == part))
    this = {"target_id": target_id, "run_id": run_id, "step": step, "part": part}
    values = this | task._asdict() | {"ended_at": bulk.now(), "counts": json.dumps(left)}
    connection.execute(sa.insert(run_step).values(values))


def _of_run(target_id: str, run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return run_step.c.target_id == target_id, run_step.c.run_id == run_id


def settle_on(connection: sa.Connection, target_id: str, run_id: str, settings_digest: str) -> None:
    """Keep which settings the run was checked with."""
    _set(connection, target_id, run_id, settings_digest=settings_digest)


def finish(connection: sa.Connection, target_id: str, run_id: str, status: str, message: str | None) -> None:
    """Close the run's entry."""
    _set(connection, target_id, run_id, status=status, message=message, finished_at=bulk.now())


def _set(connection: sa.Connection, target_id: str, run_id: str, **values: Any) -> None:
    connection.execute(sa.update(run).where(run.c.target_id == target_id, run.c.run_id == run_id).values(**values))


def prune(connection: sa.Connection, target_id: str, days: int) -> None:
    """Drop the runs that began more than ``days`` ago, with their events; what is unfinished or in doubt stays."""
    before = bulk.now() - timedelta(days=days)
    of_target = (run.c.target_id == target_id, run.c.started_at < before)
    old = connection.scalars(sa.select(run.c.run_id).where(*of_target)).all()
    for batch in bulk.batches(old, bulk.CHUNK):
        done = (
            event.c.target_id == target_id,
            event.c.run_id.in_(batch),
            event.c.status.in_(("sent", "failed", "superseded")),
            event.c.in_doubt == sa.false(),
            event.c.old_in_doubt == sa.false(),
        )
        connection.execute(sa.delete(attempt).where(attempt.c.event_id.in_(sa.select(event.c.event_id).where(*done))))
        connection.execute(sa.delete(event).where(*done))
        left = sa.select(event.c.run_id).where(event.c.target_id == target_id, event.c.run_id.in_(batch))
        connection.execute(sa.delete(run).where(*of_target, run.c.run_id.in_(batch), run.c.run_id.not_in(left)))
        kept = sa.select(run.c.run_id).where(run.c.target_id == target_id)
        of_runs = (run_step.c.target_id == target_id, run_step.c.run_id.in_(batch))
        connection.execute(sa.delete(run_step).where(*of_runs, run_step.c.run_id.not_in(kept)))
