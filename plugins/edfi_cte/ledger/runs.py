"""Targets with their lease, and the history of their runs."""

from __future__ import annotations

import json
from collections.abc import Container
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import bulk
from edfi_cte.ledger.schema import attempt, event, identity_mapping, run, target
from edfi_cte.ledger.schema import step as step_table

LEASE = timedelta(minutes=15)
"""How long a run that no longer writes keeps its target from others."""


class LeaseHeld(EdfiCteError):
    """Another run works on the target."""

    transient = True


class LeaseLost(EdfiCteError):
    """Another process has taken the target over while this one stood still."""


def acquire(
    connection: sa.Connection,
    target_id: str,
    run_id: str,
    step: str,
    *,
    edfi_conn_id: str,
    scope_year: int,
    edorg_id: int,
) -> int:
    """Take the target for a run, or keep it; returns the epoch that fences older tries of the same step.

    Raises :class:`LeaseHeld`.
    """
    _ensure(connection, target_id, edfi_conn_id, scope_year, edorg_id)
    taken = connection.execute(
        sa.update(target)
        .where(
            target.c.target_id == target_id,
            sa.or_(
                target.c.lease_owner.is_(None),
                target.c.lease_owner == run_id,
                target.c.lease_expires_at < bulk.now(),
            ),
        )
        .values(lease_owner=run_id, lease_expires_at=bulk.now() + LEASE)
    )
    if taken.rowcount != 1:
        row = connection.execute(sa.select(target).where(target.c.target_id == target_id)).one()
        raise LeaseHeld(
            f"{target_id}: run '{row.lease_owner}' is at work on it; nothing was done. Wait for it to end; "
            f"if it died, its lease frees itself at {row.lease_expires_at:%Y-%m-%d %H:%M:%S} UTC."
        )
    return _next_epoch(connection, target_id, step)


def _next_epoch(connection: sa.Connection, target_id: str, step: str) -> int:
    """The number of this try; the target's row, which the caller has updated, keeps others out meanwhile."""
    this = (step_table.c.target_id == target_id, step_table.c.step == step)
    epoch: int | None = connection.execute(sa.select(step_table.c.epoch).where(*this)).scalar()
    if epoch is None:
        connection.execute(sa.insert(step_table).values(target_id=target_id, step=step, epoch=1))
        return 1
    connection.execute(sa.update(step_table).where(*this).values(epoch=epoch + 1))
    return epoch + 1


def _ensure(connection: sa.Connection, target_id: str, edfi_conn_id: str, scope_year: int, edorg_id: int) -> None:
    known = sa.select(target.c.target_id).where(target.c.target_id == target_id)
    if connection.execute(known).first() is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    sa.insert(target).values(
                        target_id=target_id,
                        edfi_conn_id=edfi_conn_id,
                        scope_year=scope_year,
                        education_organization_id=edorg_id,
                    )
                )
        except sa.exc.IntegrityError:
            # Another process was quicker; the row is there, which is all that was wanted.
            pass


def extend(connection: sa.Connection, target_id: str, run_id: str, step: str, epoch: int) -> None:
    """Keep the lease. Raises :class:`LeaseLost` if another run, or a newer try of the step, has taken over."""
    kept = connection.execute(
        sa.update(target)
        .where(target.c.target_id == target_id, target.c.lease_owner == run_id)
        .values(lease_expires_at=bulk.now() + LEASE)
    )
    newest = connection.execute(
        sa.select(step_table.c.epoch).where(step_table.c.target_id == target_id, step_table.c.step == step)
    ).scalar()
    if kept.rowcount != 1 or newest != epoch:
        raise LeaseLost(f"{target_id}: another process has taken {step} over; this one stops")


def release(connection: sa.Connection, target_id: str, run_id: str) -> None:
    """Give the target back at the end of a run."""
    connection.execute(
        sa.update(target)
        .where(target.c.target_id == target_id, target.c.lease_owner == run_id)
        .values(lease_owner=None, lease_expires_at=None)
    )


def server_time(connection: sa.Connection) -> datetime:
    """The time by the ledger's server, in UTC and without a zone."""
    functions = {"mssql": "SYSUTCDATETIME()", "postgresql": "CURRENT_TIMESTAMP AT TIME ZONE 'UTC'"}
    function = functions.get(connection.dialect.name, "STRFTIME('%Y-%m-%d %H:%M:%S', 'now')")
    now = connection.execute(sa.text(f"SELECT {function}")).scalar_one()
    return now if isinstance(now, datetime) else datetime.fromisoformat(now)


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


def other_target_at(connection: sa.Connection, target_id: str, *, data_url: str, edorg_id: int) -> str | None:
    """Another target whose records were sent to the same address for the same education organization."""
    return connection.execute(
        sa.select(target.c.target_id)
        .join(identity_mapping, identity_mapping.c.target_id == target.c.target_id)
        .where(
            target.c.target_id != target_id,
            target.c.data_url == data_url,
            target.c.education_organization_id == edorg_id,
        )
        .limit(1)
    ).scalar()


def start(connection: sa.Connection, target_id: str, run_id: str, parameters: dict[str, Any]) -> None:
    """Open the run's entry in the history; a retry keeps the entry and its counts."""
    if get_run(connection, target_id, run_id) is None:
        connection.execute(
            sa.insert(run).values(
                target_id=target_id,
                run_id=run_id,
                started_at=bulk.now(),
                status="running",
                parameters=json.dumps(parameters),
                counts="{}",
            )
        )


def get_run(connection: sa.Connection, target_id: str, run_id: str) -> sa.Row[Any] | None:
    """One entry of the history."""
    return connection.execute(sa.select(run).where(run.c.target_id == target_id, run.c.run_id == run_id)).first()


def steps_of(row: sa.Row[Any] | None) -> dict[str, dict[str, Any]]:
    """What the steps of a run have left, by step: what each counted, or as ``fault`` why it could not."""
    steps: dict[str, dict[str, Any]] = json.loads(row.counts) if row else {}
    return steps


def plan_after(row: sa.Row[Any] | None) -> int:
    """The last event before a run's last plan: what an earlier pass of a run that was cleared had refused is past."""
    return int(steps_of(row).get("transform", {}).get("plan_after", 0))


def forget(connection: sa.Connection, target_id: str, run_id: str, steps: Container[str]) -> None:
    """Drop what an earlier try of these steps has left: a step that is run again starts afresh."""
    kept = {
        name: left for name, left in steps_of(get_run(connection, target_id, run_id)).items() if name not in steps
    }
    _set(connection, target_id, run_id, counts=json.dumps(kept))


def keep(connection: sa.Connection, target_id: str, run_id: str, step: str, left: dict[str, Any]) -> None:
    """Keep what a step counted, or ``{"fault": why}``."""
    steps = steps_of(get_run(connection, target_id, run_id)) | {step: left}
    _set(connection, target_id, run_id, counts=json.dumps(steps))


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
