"""How long a try may begin requests: by a clock that stands until it is set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.errors import EdfiCteError
from edfi_cte.ledger import leases
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.leases import HOLD, LeaseLost, Needs, Owner, Step
from edfi_cte.ledger.schema import hold
from edfi_cte.ods.errors import Halted
from edfi_cte.sync import lease
from edfi_cte.sync.lease import LOOK, RENEW, SLACK, Lease, StoodStill
from tests.ledger.rows import TARGET

OWNER, UPSERT = Owner("airflow", "dag", "run"), Step("upsert", 3, "upsert 1/2")
LASTS = (HOLD - SLACK).total_seconds()
OFF = EdfiCteError("switched off")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lease, "clock", clock)
    return clock


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[sa.Engine]:
    # In a file: the thread that renews has a connection, and so a transaction, of its own.
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    with engine.begin() as connection:
        leases.ensure(connection, TARGET, edfi_conn_id="e", scope_year=2026, edorg_id=7)
    yield engine
    engine.dispose()


Begin = Callable[..., Lease]


@pytest.fixture
def begin(ledger: sa.Engine) -> Iterator[Begin]:
    """``begin(watch)``: a lease that has begun; its thread is ended with the test."""
    begun: list[Lease] = []

    def begin(watch: Callable[[], EdfiCteError | None] = lambda: None) -> Lease:
        one = Lease(ledger, TARGET, OWNER, watch)
        with ledger.begin() as connection:
            told = one.begin(connection, UPSERT, Needs())
        told()
        begun.append(one)
        return one

    yield begin
    for one in begun:
        one.end()


def holds(ledger: sa.Engine) -> list[Any]:
    with ledger.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(hold.c.part, hold.c.token))]


def take_over(ledger: sa.Engine) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.update(hold).values(token="another's"))


def until(said: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not said():
        assert time.monotonic() < end, "it never comes"
        time.sleep(0.005)


def thread_of() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"lease of {TARGET}"]


def test_the_last_request_can_be_answered_before_others_may_take_over():
    assert timedelta() < RENEW < SLACK < HOLD - SLACK


def test_a_try_holds_its_step_until_it_ends(ledger: sa.Engine, begin: Begin):
    one = begin()
    assert holds(ledger) == [("upsert 1/2", one.token)]
    assert len(one.token) == 32
    [thread] = thread_of()
    assert thread.daemon, "no process waits for it"
    one.end()
    assert holds(ledger) == []
    assert thread_of() == []


def test_an_end_while_the_ledger_is_gone_is_silent(ledger: sa.Engine, begin: Begin):
    one = begin()
    with ledger.begin() as connection:
        connection.execute(sa.text("ALTER TABLE edfi_cte_hold RENAME TO away"))
    one.end()
    with ledger.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO edfi_cte_hold"))


def test_what_has_not_begun_may_send_nothing_and_ends_all_the_same(ledger: sa.Engine, clock: Clock):
    one = Lease(ledger, TARGET, OWNER, lambda: None)
    with pytest.raises(Halted):
        one.admit()
    assert isinstance(one.over, StoodStill)
    one.end()


def test_a_request_may_begin_until_shortly_before_the_hold_is_over(begin: Begin, clock: Clock):
    one = begin()
    clock.now += LASTS - 0.001
    one.admit()
    clock.now += 0.001
    with pytest.raises(Halted, match=f"{TARGET}: this task, or the ledger, did not answer") as halted:
        one.admit()
    assert isinstance(one.over, StoodStill)
    assert one.over.transient
    assert halted.value.message == str(one.over)
    clock.now -= LASTS
    with pytest.raises(Halted):
        one.admit()


def test_a_begin_counts_from_when_it_was_asked_for(ledger: sa.Engine, clock: Clock):
    one = Lease(ledger, TARGET, OWNER, lambda: None)
    with ledger.begin() as connection:
        begun = one.begin(connection, UPSERT, Needs())
        clock.now += LASTS
    begun()
    with pytest.raises(Halted):
        one.admit()
    one.end()


def test_each_transaction_renews_from_when_it_was_asked_for(begin: Begin, clock: Clock):
    one = begin()
    clock.now += 100
    with one.writing():
        clock.now += 40
    clock.now += LASTS - 40.001
    one.admit()
    with one.writing():
        clock.now -= 50
    clock.now += 50
    one.admit()
    clock.now += LASTS
    with pytest.raises(Halted):
        one.admit()


def test_a_transaction_that_fails_renews_nothing(begin: Begin, clock: Clock):
    one = begin()
    clock.now += LASTS - 1
    with pytest.raises(ZeroDivisionError), one.writing():
        raise ZeroDivisionError
    assert one.over is None
    clock.now += 1
    with pytest.raises(Halted):
        one.admit()


def test_who_has_lost_the_step_writes_and_sends_nothing_more(ledger: sa.Engine, begin: Begin, clock: Clock):
    one = begin()
    take_over(ledger)
    written = []
    with pytest.raises(LeaseLost, match="has taken upsert 1/2 over") as lost, one.writing():
        written.append(1)
    assert written == []
    assert one.over is lost.value
    with pytest.raises(Halted, match="has taken upsert 1/2 over"):
        one.admit()
    one.end()
    assert holds(ledger) == [("upsert 1/2", "another's")], "it lets go of its own alone"


def test_the_settings_are_looked_at_once_a_second(begin: Begin, clock: Clock):
    looks: list[float] = []
    said: list[EdfiCteError] = []

    def watch() -> EdfiCteError | None:
        looks.append(clock.now)
        return said[0] if said else None

    one = begin(watch)
    began = clock.now
    for later in (0, LOOK - 0.001, LOOK, LOOK + 0.5, 2 * LOOK - 0.001, 2 * LOOK):
        clock.now = began + later
        one.admit()
    assert looks == [began + LOOK, began + 2 * LOOK]
    said.append(OFF)
    one.admit()
    clock.now += LOOK
    for _ in range(2):
        with pytest.raises(Halted, match="switched off"):
            one.admit()
    assert one.over is OFF
    assert len(looks) == 3, "what is over stays so"


def test_a_lease_renews_itself_in_the_background(begin: Begin, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "RENEW", timedelta(milliseconds=5))
    looks: list[int] = []
    one = begin(lambda: looks.append(1))
    clock.now += LASTS - 1
    until(lambda: one._deadline == clock.now + LASTS)
    clock.now += LASTS - 1
    one.admit()
    until(lambda: len(looks) > 2)


def test_a_switch_is_seen_though_nothing_is_sent(begin: Begin, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "RENEW", timedelta(milliseconds=5))
    said = [OFF, EdfiCteError("another")]
    one = begin(lambda: said.pop(0) if said else None)
    until(lambda: one.over)
    time.sleep(0.02)
    assert one.over is OFF, "the first reason stays"


def test_a_renewal_that_fails_is_told_and_tried_again(
    ledger: sa.Engine, begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(lease, "RENEW", timedelta(milliseconds=5))
    renew, fail = leases.renew, [True]

    def renewing(*arguments: Any) -> None:
        if fail:
            fail.pop()
            raise sa.exc.InterfaceError("no", None, Exception())
        renew(*arguments)

    monkeypatch.setattr(leases, "renew", renewing)
    one = begin()
    until(lambda: caplog.messages)
    assert caplog.messages == [f"{TARGET}: the lease could not be renewed (InterfaceError)"]
    take_over(ledger)
    until(lambda: one.over)
    assert isinstance(one.over, LeaseLost)
    until(lambda: not thread_of())


def test_a_lease_is_renewed_three_times_a_minute_and_a_request_has_half_a_minute():
    assert (timedelta(seconds=20), timedelta(seconds=30)) == (RENEW, SLACK)


def test_what_later_steps_build_on_is_kept_of_a_step_that_is_done(ledger: sa.Engine):
    one = Lease(ledger, TARGET, OWNER, lambda: None)
    for name in ("extract", "transform"):
        with ledger.begin() as connection:
            assert not leases.plan_stands(connection, TARGET, OWNER)
            one.begin(connection, Step(name, 1, name), Needs())
            one.done(connection)
        one.end()
    with ledger.begin() as connection:
        assert leases.plan_stands(connection, TARGET, OWNER)
