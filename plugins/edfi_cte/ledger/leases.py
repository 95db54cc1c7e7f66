"""Who may work on a target: a run's lease, a try's hold on one step of it, and the pass that both belong to.

A *lease* is a run's, from its first step to its report. A *hold* is a try's, while it does a step (or its part of
one, where several tasks share it). A *pass* is one way through the steps, in their order: a step that is begun again
after a later one has been begins a new pass. Whoever begins a step takes the holds of dead tries away, and nobody
begins one while a hold of another step, or of the same part, is alive: so a try that stood still finds that it has
lost its own. Times are the server's. Each function that changes something first locks the target's row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from edfi_cte.associations.model import digest
from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger.schema import event, hold, lease, target
from edfi_cte.ledger.server_clock import server_now

HOLD = timedelta(minutes=3)
"""How long a try that is no longer heard of keeps its step from the next try."""

LEASE = timedelta(minutes=9)
"""How long a run that is no longer heard of keeps its target from others: less than two retries take, at
the five minutes that are Airflow's default."""


class LeaseHeld(EdfiCteError):
    """Another run works on the target, or another try on the step. ``other_run``: which of the two."""

    transient = True

    def __init__(self, message: str, *, other_run: bool) -> None:
        super().__init__(message)
        self.other_run = other_run


class LeaseLost(EdfiCteError):
    """Another process has taken the target over while this one stood still."""


class PlanPast(EdfiCteError):
    """The plan is another pass's, or too old: nothing of it may be sent."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A run, told from every other: by the Airflow it is of (``deployment``), its DAG and its own id."""

    deployment: str
    dag_id: str
    run_id: str

    @property
    def key(self) -> str:
        """As the ledger compares it."""
        return digest("\x1f".join((self.deployment, self.dag_id, self.run_id)))

    def __str__(self) -> str:
        return f"run '{self.run_id}'" + (f" of {self.dag_id}" if self.dag_id else "")


class Step(NamedTuple):
    """A step in a try's eyes. ``place``: in the order of a run; ``part``: its name where several tasks share it."""

    name: str
    place: int
    part: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What of the pass a step builds on: this run's own reading of Campus, of this age at most, and its plan."""

    reading: bool = False
    plan: bool = False
    max_age: timedelta = timedelta(hours=6)


def ensure(connection: sa.Connection, target_id: str, *, edfi_conn_id: str, scope_year: int, edorg_id: int) -> None:
    """The target's rows, if it never ran."""
    if connection.execute(sa.select(lease.c.target_id).where(lease.c.target_id == target_id)).first() is not None:
        return
    known = {"edfi_conn_id": edfi_conn_id, "scope_year": scope_year, "education_organization_id": edorg_id}
    for table, values in ((target, known), (lease, {"place": 0, "planned": False})):
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(table).values(target_id=target_id, **values))
        except sa.exc.IntegrityError:
            # Another process was quicker, or the row is older than this table: that it is there is all we want.
            pass


def begin(connection: sa.Connection, target_id: str, owner: Owner, step: Step, token: str, needs: Needs) -> None:
    """Take the target for a run and a step of it for the try that ``token`` names.

    Raises LeaseHeld and PlanPast, having changed nothing.
    """
    row, now = _locked(connection, target_id)
    _refuse_others(row, now, owner)
    same_pass = row.pass_owner == owner.key and step.place >= row.place
    for other in _holds(connection, target_id, after=now):
        if not same_pass or other.step != step.name or other.part == step.part:
            raise LeaseHeld(
                f"{target_id}: another try of {other.part} is at work, or has died; {step.part} did nothing. If it "
                f"is dead, the next try goes on from {_clock(other.expires_at)}.",
                other_run=False,
            )
    _refuse_past_plan(row, now, owner, step, needs)
    values: dict[str, Any] = {"pass_owner": owner.key, "place": step.place}
    if step.name in ("extract", "plan"):
        values |= {"read_by": None, "planned": False, "read_at": server_now()}
    elif step.name == "transform":
        values |= {"planned": False}
    connection.execute(
        sa.update(lease)
        .where(lease.c.target_id == target_id)
        .values(owner=owner.key, owner_name=str(owner), expires_at=server_now(LEASE), **values)
    )
    _take_over(connection, target_id, step, token, now)


def _locked(connection: sa.Connection, target_id: str) -> tuple[sa.Row[Any], datetime]:
    this = lease.c.target_id == target_id
    connection.execute(sa.update(lease).where(this).values(target_id=target_id))
    row = connection.execute(sa.select(lease, server_now().label("now")).where(this)).one()
    return row, row.now


def _refuse_others(row: sa.Row[Any], now: datetime, owner: Owner) -> None:
    if row.owner not in (None, owner.key) and row.expires_at > now:
        raise LeaseHeld(
            f"{row.target_id}: {row.owner_name} is at work on it; nothing was done. Wait for it to end; "
            f"if it died, the next run can go on from {_clock(row.expires_at)}.",
            other_run=True,
        )


def _refuse_past_plan(row: sa.Row[Any], now: datetime, owner: Owner, step: Step, needs: Needs) -> None:
    if not needs.reading:
        return
    advice = f"{step.part} did nothing, and nothing was sent. Clear the run from extract on, or trigger a new one."
    if row.read_by != owner.key or (needs.plan and not row.planned):
        raise PlanPast(
            f"{row.target_id}: the plan in the ledger is not of this run's last reading of Campus; {advice}"
        )
    if now - row.read_at > needs.max_age:
        hours = (now - row.read_at).total_seconds() / 3600
        raise PlanPast(
            f"{row.target_id}: this run has read Campus {hours:.0f} hours ago, which is longer than "
            f"guards.max_plan_age_hours; {advice}"
        )


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _holds(connection: sa.Connection, target_id: str, *, after: datetime) -> list[sa.Row[Any]]:
    """The holds of tries that may be alive."""
    alive = (hold.c.target_id == target_id, hold.c.expires_at > after)
    return list(connection.execute(sa.select(hold).where(*alive).order_by(hold.c.part)))


def _take_over(connection: sa.Connection, target_id: str, step: Step, token: str, now: datetime) -> None:
    """Drop what dead tries held, put back into the queue what they had claimed, and hold the step."""
    dead = (hold.c.target_id == target_id, sa.or_(hold.c.expires_at <= now, hold.c.part == step.part))
    connection.execute(sa.delete(hold).where(*dead))
    connection.execute(
        sa.insert(hold).values(
            target_id=target_id, part=step.part, step=step.name, token=token, expires_at=server_now(HOLD)
        )
    )
    alive = sa.select(hold.c.token).where(hold.c.target_id == target_id)
    claimed = (event.c.target_id == target_id, event.c.status == "sending")
    connection.execute(
        sa.update(event).where(*claimed, event.c.claimed_by.not_in(alive)).values(status="pending", claimed_by=None)
    )


def renew(connection: sa.Connection, target_id: str, step: Step, token: str) -> None:
    """Keep lease and hold. Raises LeaseLost if another run, pass or try has taken over."""
    of_lease, of_hold = _renewals(LEASE, HOLD)
    this = {"target": target_id}
    connection.execute(of_lease, this)
    kept = connection.execute(of_hold, {**this, "of_part": step.part, "of_token": token})
    if kept.rowcount != 1:
        raise LeaseLost(f"{target_id}: another process has taken {step.part} over; this one stops")


@cache
def _renewals(of_lease: timedelta, of_hold: timedelta) -> tuple[sa.Update, sa.Update]:
    """Made once: each ledger transaction of a step begins with them."""
    target: sa.BindParameter[str] = sa.bindparam("target")
    mine = (
        hold.c.target_id == target,
        hold.c.part == sa.bindparam("of_part"),
        hold.c.token == sa.bindparam("of_token"),
    )
    return (
        sa.update(lease).where(lease.c.target_id == target).values(expires_at=server_now(of_lease)),
        sa.update(hold).where(*mine).values(expires_at=server_now(of_hold)),
    )


def done(connection: sa.Connection, target_id: str, owner: Owner, step: str) -> None:
    """Keep that the step has ended well, where later ones build on it; within the caller's fence."""
    values: dict[str, dict[str, Any]] = {"extract": {"read_by": owner.key}, "transform": {"planned": True}}
    if step in values:
        connection.execute(sa.update(lease).where(lease.c.target_id == target_id).values(values[step]))


def plan_stands(connection: sa.Connection, target_id: str, owner: Owner) -> bool:
    """Whether what the ledger desires of a target is what a run's last plan was made of."""
    row = connection.execute(sa.select(lease.c.read_by, lease.c.planned).where(lease.c.target_id == target_id)).one()
    return bool(row.read_by == owner.key and row.planned)


def let_go(connection: sa.Connection, target_id: str, token: str) -> None:
    """End a try's hold; the lease stays the run's."""
    connection.execute(sa.delete(hold).where(hold.c.target_id == target_id, hold.c.token == token))


def release(connection: sa.Connection, target_id: str, owner: Owner) -> None:
    """Give the target back at the end of a run, if the run has it.

    Raises LeaseHeld while a step of the run may be alive.
    """
    row, now = _locked(connection, target_id)
    if row.owner != owner.key:
        return
    for other in _holds(connection, target_id, after=now):
        raise LeaseHeld(
            f"{target_id}: {other.part} of this run is still at work, or its worker has died; the run can be closed "
            f"from {_clock(other.expires_at)}.",
            other_run=False,
        )
    connection.execute(
        sa.update(lease).where(lease.c.target_id == target_id).values(owner=None, owner_name=None, expires_at=None)
    )
