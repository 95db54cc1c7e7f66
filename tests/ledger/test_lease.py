"""One run at a time has a target; a run that died gives it up by itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk, runs
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.runs import LeaseHeld, LeaseLost
from edfi_cte.ledger.schema import target

TARGET = "039141-2026"


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Engine]:
    engine = open_ledger(url)
    yield engine
    engine.dispose()


def acquire(ledger: sa.Engine, run_id: str, target_id: str = TARGET, step: str = "upsert") -> int:
    with ledger.begin() as connection:
        return runs.acquire(connection, target_id, run_id, step, edfi_conn_id="e", scope_year=2026, edorg_id=39141)


def test_a_second_run_is_refused_and_told_whose_turn_it_is(ledger: sa.Engine):
    acquire(ledger, "first")
    with pytest.raises(LeaseHeld, match=r"run 'first' is at work.*UTC"):
        acquire(ledger, "second")
    acquire(ledger, "second", "039141-2025")


def test_a_released_target_is_free(ledger: sa.Engine):
    acquire(ledger, "first")
    with ledger.begin() as connection:
        runs.release(connection, TARGET, "first")
    acquire(ledger, "second")


def test_a_run_does_not_release_what_another_holds(ledger: sa.Engine):
    acquire(ledger, "first")
    with ledger.begin() as connection:
        runs.release(connection, TARGET, "second")
    with pytest.raises(LeaseHeld):
        acquire(ledger, "second")


def test_the_lease_of_a_dead_run_frees_itself(ledger: sa.Engine):
    acquire(ledger, "first")
    with ledger.begin() as connection:
        connection.execute(sa.update(target).values(lease_expires_at=bulk.now() - timedelta(seconds=1)))
    acquire(ledger, "second")


def test_a_retry_of_the_same_run_takes_over_and_fences_the_try_that_stood_still(ledger: sa.Engine):
    stale = acquire(ledger, "run")
    fresh = acquire(ledger, "run")
    with ledger.begin() as connection:
        runs.extend(connection, TARGET, "run", "upsert", fresh)
    with pytest.raises(LeaseLost), ledger.begin() as connection:
        runs.extend(connection, TARGET, "run", "upsert", stale)


def test_tasks_that_share_a_step_do_not_fence_each_other(ledger: sa.Engine):
    first, second = acquire(ledger, "run", step="upsert 1/2"), acquire(ledger, "run", step="upsert 2/2")
    with ledger.begin() as connection:
        runs.extend(connection, TARGET, "run", "upsert 1/2", first)
        runs.extend(connection, TARGET, "run", "upsert 2/2", second)


def test_a_run_that_lost_its_target_can_write_nothing_more(ledger: sa.Engine):
    epoch = acquire(ledger, "first")
    with ledger.begin() as connection:
        connection.execute(sa.update(target).values(lease_expires_at=bulk.now() - timedelta(seconds=1)))
    acquire(ledger, "second", step="preflight")
    with pytest.raises(LeaseLost), ledger.begin() as connection:
        runs.extend(connection, TARGET, "first", "upsert", epoch)
