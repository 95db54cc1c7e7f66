"""Leases and holds to the moment, by a server's clock that stands still: who may begin, and whom that fences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import forgetting, leases
from edfi_cte.ledger.leases import HOLD, LEASE, LeaseHeld, LeaseLost, Needs, Owner, PlanPast, Step
from edfi_cte.ledger.schema import event, hold, lease, target
from tests.ledger.rows import AT, OTHER, TARGET, add, add_each

FIRST, SECOND = Owner("airflow", "dag", "first"), Owner("airflow", "", "second")
PREFLIGHT, EXTRACT, TRANSFORM = (Step(name, n, name) for n, name in enumerate(("preflight", "extract", "transform")))
PLAN_, UPSERT, CHANGES = Step("plan", 1, "plan"), Step("upsert", 3, "upsert"), Step("changes", 4, "changes")
TICK = timedelta(microseconds=1)
NOTHING = Needs()


class Clock:
    """The server's: it stands until it is set."""

    now: datetime = AT

    def __call__(self, later: timedelta = timedelta()) -> sa.BindParameter[datetime]:
        return sa.literal(self.now + later, sa.DateTime())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(leases, "server_now", clock)
    # Made with the clock in it, and kept for the next caller.
    monkeypatch.setattr(leases, "_renewals", leases._renewals.__wrapped__)
    return clock


@pytest.fixture
def at(memory: sa.Connection, clock: Clock) -> sa.Connection:
    """A ledger of two targets."""
    for target_id in (TARGET, OTHER):
        leases.ensure(memory, target_id, edfi_conn_id="e", scope_year=2026, edorg_id=7)
    return memory


def begin(connection: sa.Connection, owner: Owner, step: Step, mark: str = "t", needs: Needs = NOTHING) -> None:
    leases.begin(connection, TARGET, owner, step, mark, needs)


def the_lease(connection: sa.Connection, target_id: str = TARGET) -> dict[str, Any]:
    return dict(connection.execute(sa.select(lease).where(lease.c.target_id == target_id)).one()._mapping)


def holds(connection: sa.Connection) -> list[tuple[Any, ...]]:
    columns = (hold.c.part, hold.c.token, hold.c.expires_at)
    return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(hold.c.part, hold.c.token))]


FREE: dict[str, Any] = {"owner": None, "owner_name": None, "expires_at": None}


def test_a_target_has_its_rows_from_its_first_run_on(at: sa.Connection):
    leases.ensure(at, TARGET, edfi_conn_id="x", scope_year=1, edorg_id=1)
    rows = at.execute(sa.select(target).where(target.c.target_id == TARGET)).all()
    assert [(row.edfi_conn_id, row.scope_year, row.education_organization_id) for row in rows] == [("e", 2026, 7)]
    assert the_lease(at) == dict.fromkeys(lease.columns.keys()) | {"target_id": TARGET, "place": 0, "planned": False}
    at.execute(sa.delete(lease).where(lease.c.target_id == TARGET))
    leases.ensure(at, TARGET, edfi_conn_id="x", scope_year=1, edorg_id=1)
    assert the_lease(at)["place"] == 0, "the target is older than its lease"


def test_a_run_has_its_target_until_the_lease_is_over_and_a_try_its_step(at: sa.Connection, clock: Clock):
    begin(at, FIRST, UPSERT, "one")
    held = the_lease(at)
    assert (held["owner"], held["owner_name"]) == (FIRST.key, "run 'first' of dag")
    assert (held["pass_owner"], held["place"], held["expires_at"]) == (FIRST.key, 3, AT + LEASE)
    assert holds(at) == [("upsert", "one", AT + HOLD)]
    assert the_lease(at, OTHER)["owner"] is None
    clock.now = AT + LEASE - TICK
    with pytest.raises(LeaseHeld, match=r"run 'first' of dag is at work.*from 2026-01-15 12:09:00 UTC") as refused:
        begin(at, SECOND, PREFLIGHT, "two")
    assert refused.value.other_run
    clock.now = AT + LEASE
    begin(at, SECOND, PREFLIGHT, "two")
    assert the_lease(at)["owner_name"] == "run 'second'"
    assert holds(at) == [("preflight", "two", clock.now + HOLD)]


@pytest.mark.parametrize(
    "step", [UPSERT, CHANGES, PREFLIGHT, UPSERT._replace(part="upsert 2"), Step("other", 3, "o")]
)
def test_a_steps_hold_keeps_others_out_until_it_is_over_but_for_other_parts_of_the_step(
    at: sa.Connection, clock: Clock, step: Step
):
    begin(at, FIRST, UPSERT, "one")
    clock.now = AT + HOLD - TICK
    if step.part == "upsert 2":
        begin(at, FIRST, step, "two")
        assert [row[:2] for row in holds(at)] == [("upsert", "one"), ("upsert 2", "two")]
        return
    before = the_lease(at), holds(at)
    with pytest.raises(LeaseHeld, match=rf"another try of upsert.*{step.part} did nothing.*12:03:00 UTC") as refused:
        begin(at, FIRST, step, "two")
    assert not refused.value.other_run
    assert (the_lease(at), holds(at)) == before, "who is refused changes nothing"
    clock.now = AT + HOLD
    begin(at, FIRST, step, "two")
    assert holds(at) == [(step.part, "two", clock.now + HOLD)]


def test_a_part_of_an_earlier_pass_or_another_run_waits_for_the_same_steps_other_parts(
    at: sa.Connection, clock: Clock
):
    begin(at, FIRST, UPSERT, "one")
    at.execute(sa.update(lease).values(place=4))
    with pytest.raises(LeaseHeld, match="another try of upsert is at work"):
        begin(at, FIRST, UPSERT._replace(part="upsert 2"), "two")
    at.execute(sa.update(lease).values(place=3, owner=None, pass_owner=SECOND.key))
    with pytest.raises(LeaseHeld, match="another try of upsert is at work"):
        begin(at, FIRST, UPSERT._replace(part="upsert 2"), "two")


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (PREFLIGHT, {}),
        (EXTRACT, {"read_by": None, "planned": False, "read_at": AT}),
        (PLAN_, {"read_by": None, "planned": False, "read_at": AT}),
        (TRANSFORM, {"planned": False}),
        (UPSERT, {}),
    ],
)
def test_a_step_of_planning_begun_anew_undoes_the_plan(at: sa.Connection, step: Step, left: dict[str, Any]):
    known = {"read_by": FIRST.key, "planned": True, "read_at": AT - timedelta(hours=1)}
    at.execute(sa.update(lease).values(**known))
    begin(at, FIRST, step)
    assert {name: the_lease(at)[name] for name in known} == known | left
    assert {name: the_lease(at, OTHER)[name] for name in known} == known


@pytest.mark.parametrize(
    ("needs", "read_by", "planned", "hours", "said"),
    [
        (Needs(), None, False, 99, None),
        (Needs(reading=True), FIRST, False, 6, None),
        (Needs(reading=True), SECOND, True, 0, "not of this run's last reading"),
        (Needs(reading=True), None, True, 0, "not of this run's last reading"),
        (Needs(reading=True, plan=True), FIRST, False, 0, "not of this run's last reading"),
        (Needs(reading=True, plan=True), FIRST, True, 6, None),
        (Needs(reading=True, plan=True), SECOND, True, 6, "not of this run's last reading"),
        (Needs(reading=True, plan=True), FIRST, True, 7.6, "8 hours ago.*guards.max_plan_age_hours; upsert did noth"),
        (
            Needs(reading=True, max_age=timedelta(hours=1)),
            FIRST,
            True,
            1.1,
            "1 hours ago.*Clear the run from extract",
        ),
    ],
)
def test_a_step_goes_on_with_its_runs_own_plan_while_it_is_young(
    at: sa.Connection, needs: Needs, read_by: Owner | None, planned: bool, hours: float, said: str | None
):
    read_at = AT - timedelta(hours=hours)
    at.execute(sa.update(lease).values(read_by=read_by and read_by.key, planned=planned, read_at=read_at))
    if said is None:
        begin(at, FIRST, UPSERT, needs=needs)
        return
    with pytest.raises(PlanPast, match=said):
        begin(at, FIRST, UPSERT, needs=needs)
    assert holds(at) == []


def test_a_plan_is_past_the_moment_after_its_last(at: sa.Connection):
    at.execute(sa.update(lease).values(read_by=FIRST.key, planned=True, read_at=AT - timedelta(hours=6) - TICK))
    with pytest.raises(PlanPast):
        begin(at, FIRST, UPSERT, needs=Needs(reading=True))


def test_what_a_dead_try_had_claimed_goes_back_into_the_queue(at: sa.Connection, clock: Clock):
    begin(at, FIRST, UPSERT, "dead")
    clock.now = AT + HOLD
    begin(at, FIRST, UPSERT._replace(part="upsert 2"), "alive")
    base: dict[str, Any] = {"event_id": 1, "status": "sending", "claimed_by": "dead"}
    others = [
        {"event_id": 2, "claimed_by": "alive"},
        {"event_id": 3, "status": "sent"},
        {"event_id": 4, "target_id": OTHER},
        {"event_id": 5, "claimed_by": "of another target's try"},
    ]
    add_each(at, event, base, others)
    add(at, hold, part="upsert", token="of another target's try", target_id=OTHER)
    begin(at, FIRST, UPSERT._replace(part="upsert 3"), "new")
    left = at.execute(sa.select(event.c.status, event.c.claimed_by).order_by(event.c.event_id)).all()
    assert left == [
        ("pending", None),
        ("sending", "alive"),
        ("sent", "dead"),
        ("sending", "dead"),
        ("pending", None),
    ]
    assert len(holds(at)) == 3, "the other target's stays"


def test_a_renewal_is_of_the_targets_lease_and_the_trys_own_hold(at: sa.Connection, clock: Clock):
    for part, token in (("upsert", "t"), ("upsert 2", "u")):
        begin(at, FIRST, UPSERT._replace(part=part), token)
    add(at, hold, part="upsert", token="t", target_id=OTHER, expires_at=AT)
    clock.now = AT + timedelta(minutes=1)
    leases.renew(at, TARGET, UPSERT, "t")
    assert the_lease(at)["expires_at"] == clock.now + LEASE
    assert the_lease(at, OTHER)["expires_at"] is None
    assert sorted(holds(at)) == sorted(
        [("upsert", "t", clock.now + HOLD), ("upsert 2", "u", AT + HOLD), ("upsert", "t", AT)]
    )
    for part, token in (("upsert", "u"), ("upsert 2", "t"), ("other", "t")):
        with pytest.raises(LeaseLost, match=f"has taken {part} over"):
            leases.renew(at, TARGET, UPSERT._replace(part=part), token)


def test_a_step_that_ended_well_is_kept_where_later_ones_build_on_it(at: sa.Connection):
    for step, stands in (("upsert", False), ("extract", False), ("transform", True)):
        leases.done(at, TARGET, FIRST, step)
        assert leases.plan_stands(at, TARGET, FIRST) is stands
    assert (the_lease(at)["read_by"], the_lease(at)["planned"]) == (FIRST.key, True)
    assert not leases.plan_stands(at, TARGET, SECOND)
    assert the_lease(at, OTHER)["read_by"] is None
    assert the_lease(at, OTHER)["planned"] is False


def test_a_try_lets_go_of_its_own_hold_and_a_run_of_its_target_once_no_step_is_alive(at: sa.Connection, clock: Clock):
    for part, token in (("upsert", "t"), ("upsert 2", "u")):
        begin(at, FIRST, UPSERT._replace(part=part), token)
    add(at, hold, part="x", token="t", target_id=OTHER)
    leases.let_go(at, TARGET, "t")
    assert [row[:2] for row in holds(at)] == [("upsert 2", "u"), ("x", "t")]
    clock.now = AT + HOLD - TICK
    with pytest.raises(LeaseHeld, match=r"upsert 2 of this run is still at work.*12:03:00 UTC") as refused:
        leases.release(at, TARGET, FIRST)
    assert not refused.value.other_run
    leases.release(at, TARGET, SECOND)
    assert the_lease(at)["owner"] == FIRST.key, "it is not the second's to give"
    at.execute(sa.update(lease).where(lease.c.target_id == OTHER).values(owner="x"))
    clock.now = AT + HOLD
    leases.release(at, TARGET, FIRST)
    assert {name: the_lease(at)[name] for name in FREE} == FREE
    assert the_lease(at, OTHER)["owner"] == "x"


def test_who_takes_gives_back_or_forgets_a_target_locks_its_row_first(at: sa.Connection):
    """By an update, which every database waits for: only then is what is read of it true until the commit."""
    sent: list[str] = []

    @sa.event.listens_for(at.engine, "before_cursor_execute")
    def _sent(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(" ".join(statement.split()[:2]))

    firsts = []
    for work in (lambda: begin(at, FIRST, UPSERT), lambda: leases.release(at, TARGET, SECOND)):
        sent.clear()
        work()
        firsts.append(sent[0])
    at.commit()
    sent.clear()
    with pytest.raises(LeaseHeld) as refused:
        begin(at, FIRST, UPSERT)
    assert refused.value.transient
    at.rollback()
    sent.clear()
    forgetting.forget(at.engine, OTHER)
    assert [*firsts, sent[0]] == ["UPDATE edfi_cte_lease"] * 3
