"""One run at a time has a target and one try a step; a dead one gives it up by itself; what belongs to which pass."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk, leases, runs
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.leases import LeaseHeld, LeaseLost, Needs, Owner, PlanPast, Step
from edfi_cte.ledger.schema import hold, lease, run
from edfi_cte.ledger.server_clock import server_now, server_time

TARGET = "039141-2026"
FIRST, SECOND = Owner("airflow", "dag", "first"), Owner("airflow", "dag", "second")
STEPS = ("preflight", "extract", "transform", "upsert", "natural_key_changes")
NOTHING, PLAN = Needs(), Needs(reading=True, plan=True)


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Engine]:
    engine = open_ledger(url)
    yield engine
    engine.dispose()


def a(part: str) -> Step:
    name = part.split()[0]
    return Step(name, STEPS.index(name), part)


def begin(
    ledger: sa.Engine, owner: Owner, part: str, mark: str = "one", needs: Needs = NOTHING, target_id: str = TARGET
) -> None:
    with ledger.begin() as connection:
        leases.ensure(connection, target_id, edfi_conn_id="e", scope_year=2026, edorg_id=39141)
        leases.begin(connection, target_id, owner, a(part), mark, needs)


def renew(ledger: sa.Engine, part: str, mark: str = "one") -> None:
    with ledger.begin() as connection:
        leases.renew(connection, TARGET, a(part), mark)


def end(ledger: sa.Engine, mark: str = "one", owner: Owner = FIRST, step: str = "") -> None:
    with ledger.begin() as connection:
        leases.done(connection, TARGET, owner, step)
        leases.let_go(connection, TARGET, mark)


def planned(ledger: sa.Engine) -> None:
    """The first run has read Campus and made its plan."""
    for step in ("extract", "transform"):
        begin(ledger, FIRST, step)
        end(ledger, step=step)


def time_passes(ledger: sa.Engine) -> None:
    with ledger.begin() as connection:
        for table in (lease, hold):
            connection.execute(sa.update(table).values(expires_at=server_now()))


def test_a_second_run_is_refused_and_told_whose_turn_it_is_and_when_it_may_go_on(ledger: sa.Engine):
    begin(ledger, FIRST, "preflight")
    end(ledger)
    with pytest.raises(LeaseHeld, match=r"run 'first' of dag is at work.*can go on from .* UTC"):
        begin(ledger, SECOND, "preflight")
    begin(ledger, SECOND, "preflight", target_id="039141-2025")


@pytest.mark.parametrize("other", [Owner("airflow", "other dag", "first"), Owner("other airflow", "dag", "first")])
def test_a_run_of_the_same_id_of_another_dag_or_airflow_is_another_run(ledger: sa.Engine, other: Owner):
    begin(ledger, FIRST, "preflight")
    end(ledger)
    with pytest.raises(LeaseHeld):
        begin(ledger, other, "preflight")
    with ledger.begin() as connection:
        leases.release(connection, TARGET, other)
    with pytest.raises(LeaseHeld):
        begin(ledger, other, "preflight")


def test_a_released_target_is_free(ledger: sa.Engine):
    begin(ledger, FIRST, "preflight")
    end(ledger)
    with ledger.begin() as connection:
        leases.release(connection, TARGET, FIRST)
    begin(ledger, SECOND, "preflight")


def test_a_dead_run_is_followed_once_its_lease_is_over_and_can_do_nothing_more(ledger: sa.Engine):
    begin(ledger, FIRST, "upsert")
    time_passes(ledger)
    begin(ledger, SECOND, "preflight", "two")
    with pytest.raises(LeaseLost):
        renew(ledger, "upsert")


def test_a_renewal_keeps_lease_and_hold(ledger: sa.Engine):
    begin(ledger, FIRST, "upsert")
    time_passes(ledger)
    renew(ledger, "upsert")
    with pytest.raises(LeaseHeld, match="run 'first' of dag"):
        begin(ledger, SECOND, "preflight")
    with pytest.raises(LeaseHeld, match="another try of upsert"):
        begin(ledger, FIRST, "upsert", "two")


def test_the_next_try_waits_for_the_end_of_the_last_ones_hold_and_fences_it(ledger: sa.Engine):
    begin(ledger, FIRST, "upsert", "one")
    with pytest.raises(LeaseHeld, match=r"another try of upsert.*goes on from .* UTC"):
        begin(ledger, FIRST, "upsert", "two")
    time_passes(ledger)
    begin(ledger, FIRST, "upsert", "two")
    renew(ledger, "upsert", "two")
    with pytest.raises(LeaseLost):
        renew(ledger, "upsert", "one")


@pytest.mark.parametrize("earlier", ["preflight", "extract", "transform"])
def test_an_earlier_step_begun_again_waits_for_the_later_ones_and_fences_them(ledger: sa.Engine, earlier: str):
    begin(ledger, FIRST, "natural_key_changes", "one")
    with pytest.raises(LeaseHeld, match="another try of natural_key_changes"):
        begin(ledger, FIRST, earlier, "two")
    time_passes(ledger)
    begin(ledger, FIRST, earlier, "two")
    with pytest.raises(LeaseLost):
        renew(ledger, "natural_key_changes", "one")


def test_tasks_that_share_a_step_do_not_fence_each_other(ledger: sa.Engine):
    begin(ledger, FIRST, "upsert 1/2", "one")
    begin(ledger, FIRST, "upsert 2/2", "two")
    renew(ledger, "upsert 1/2", "one")
    renew(ledger, "upsert 2/2", "two")
    with pytest.raises(LeaseHeld, match="another try of upsert 1/2"):
        begin(ledger, FIRST, "natural_key_changes", "three")


def test_what_is_alive_is_not_released(ledger: sa.Engine):
    begin(ledger, FIRST, "upsert 1/2", "one")
    still = r"upsert 1/2 of this run is still at work.*can be closed from"
    with ledger.begin() as connection, pytest.raises(LeaseHeld, match=still):
        leases.release(connection, TARGET, FIRST)
    renew(ledger, "upsert 1/2", "one")


def test_a_plan_belongs_to_the_run_that_made_it(ledger: sa.Engine):
    with pytest.raises(PlanPast, match="Clear the run from extract on"):
        begin(ledger, FIRST, "upsert", needs=PLAN)
    planned(ledger)
    begin(ledger, FIRST, "upsert", needs=PLAN)
    end(ledger)
    time_passes(ledger)
    begin(ledger, SECOND, "extract")
    end(ledger)
    time_passes(ledger)
    with pytest.raises(PlanPast, match="not of this run's last reading"):
        begin(ledger, FIRST, "upsert", needs=PLAN)


@pytest.mark.parametrize("step", ["extract", "transform"])
def test_a_step_of_planning_that_did_not_end_leaves_no_plan(ledger: sa.Engine, step: str):
    planned(ledger)
    begin(ledger, FIRST, step)
    end(ledger)
    with pytest.raises(PlanPast):
        begin(ledger, FIRST, "upsert", needs=PLAN)


def test_a_plan_ages(ledger: sa.Engine):
    planned(ledger)
    with pytest.raises(PlanPast, match="max_plan_age_hours"):
        begin(ledger, FIRST, "upsert", needs=Needs(reading=True, plan=True, max_age=timedelta(seconds=-1)))


def test_two_retries_of_airflows_default_reach_the_end_of_a_dead_lease():
    assert max(leases.LEASE, leases.HOLD) < 2 * timedelta(seconds=300)


def test_the_servers_time_is_utc(ledger: sa.Engine):
    with ledger.connect() as connection:
        if ledger.dialect.name == "postgresql":
            connection.execute(sa.text("SET TIME ZONE 'Asia/Tokyo'"))
        now = server_time(connection)
        later = connection.execute(sa.select(server_now(timedelta(minutes=3)))).scalar_one()
    assert timedelta(minutes=2, seconds=59) < later - now < timedelta(minutes=3, seconds=30)
    assert abs(now - bulk.now()) < timedelta(seconds=30)


def test_a_runs_entry_is_its_own_or_that_of_the_same_run_of_an_airflow_that_moved(ledger: sa.Engine):
    """A run of another DAG has an entry of its own, also where two such have one long name."""

    def entry(deployment: str, dag: str, run_id: str = "scheduled") -> tuple[str, str]:
        owner = Owner(deployment, dag, run_id)
        with ledger.begin() as connection:
            name = runs.start(connection, TARGET, owner, {})
            row = runs.get_run(connection, TARGET, name)
            assert row is not None
            assert row.owner == owner.key
            return name, row.dag_id

    assert entry("old", "cte") == ("scheduled", "cte")
    assert entry("new", "cte") == ("scheduled", "cte"), "it goes on in the entry of the first"
    assert entry("new", "other") == ("scheduled of other", "other")
    assert entry("new", "cte") == ("scheduled", "cte")
    with ledger.begin() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(run)).scalar_one()
    assert count == 2


@pytest.mark.parametrize("run_id", ["scheduled", "r" * 251])
def test_the_same_run_of_another_airflow_is_known_by_its_name_however_long(ledger: sa.Engine, run_id: str):
    old, new, other = Owner("old", "cte", run_id), Owner("new", "cte", run_id), Owner("new", "other", run_id)
    begin(ledger, old, "preflight")
    with ledger.begin() as connection:
        runs.start(connection, TARGET, old, {})
        twins = [runs.twin_at_work(connection, TARGET, owner) for owner in (old, new, other)]
    assert twins == [False, True, False]
    time_passes(ledger)
    with ledger.begin() as connection:
        assert not runs.twin_at_work(connection, TARGET, new), "it is at work no more"
