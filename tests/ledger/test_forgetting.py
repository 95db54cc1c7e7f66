"""What is forgotten of a target, when, and what is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk, forgetting
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ledger.events import EventStatus
from edfi_cte.ledger.forgetting import TargetBusy
from edfi_cte.ledger.schema import lease, metadata, run, target
from tests.ledger.everything import WITHOUT_TARGET, fill, of_others
from tests.ledger.rows import AT, add

GONE, KEPT = "039141-2025", "039141-2026"


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Engine]:
    engine = open_ledger(url)
    with engine.begin() as connection:
        for number, target_id in enumerate((GONE, KEPT)):
            fill(connection, target_id, number)
    yield engine
    engine.dispose()


def rows_of(ledger: sa.Engine, target_id: str) -> int:
    with ledger.connect() as connection:
        counts = (
            sa.select(sa.func.count()).select_from(table).where(table.c.target_id == target_id)
            for table in metadata.sorted_tables
            if table.name not in WITHOUT_TARGET
        )
        return sum(connection.execute(count).scalar_one() for count in counts)


def test_every_row_of_the_target_goes_and_no_other(ledger: sa.Engine):
    others = of_others(ledger, GONE)
    assert rows_of(ledger, GONE) > 80
    forgetting.forget(ledger, GONE)
    assert rows_of(ledger, GONE) == 0
    assert of_others(ledger, GONE) == others, "attempts of its events went, too, and none else"
    with ledger.connect() as connection:
        assert forgetting.known(connection) == [KEPT]


def test_a_target_that_a_run_works_on_stays(ledger: sa.Engine):
    with ledger.begin() as connection:
        connection.execute(
            sa.update(lease).values(owner="x", owner_name="run 'r'", expires_at=bulk.now() + timedelta(minutes=5))
        )
    before = rows_of(ledger, GONE)
    with pytest.raises(TargetBusy, match=r"run 'r' is at work.*nothing was removed") as busy:
        forgetting.forget(ledger, GONE)
    assert busy.value.transient
    assert forgetting.retire(ledger, [KEPT], days=1) == []
    assert rows_of(ledger, GONE) == before


def test_a_target_that_left_the_settings_goes_once_its_last_run_is_old_enough(ledger: sa.Engine):
    with ledger.begin() as connection:
        last = bulk.now() - timedelta(days=30)
        connection.execute(
            sa.update(run).where(run.c.target_id == GONE, run.c.run_id == "0" * 32).values(started_at=last)
        )
    assert forgetting.retire(ledger, [GONE, KEPT], days=1) == [], "both are configured"
    assert forgetting.retire(ledger, [KEPT], days=31) == [], "it ran thirty days ago, perhaps elsewhere"
    assert rows_of(ledger, GONE) > 0
    assert forgetting.retire(ledger, [KEPT], days=29) == [GONE]
    assert rows_of(ledger, GONE) == 0
    assert rows_of(ledger, KEPT) > 0


def test_what_goes_is_counted_by_name(ledger: sa.Engine):
    with ledger.connect() as connection:
        held = forgetting.holding(connection, GONE)
        assert forgetting.holding(connection, "nobody") == forgetting.Holding({}, None)
    assert list(held.rows.items()) == [
        ("runs", 3),
        ("enrollment records", 3),
        ("outcomes of records", 3),
        ("identity mappings (records known to be in the ODS)", 3),
        ("events", 16 * len(EventStatus)),
        ("records held, waiting or out of reach", 3),
        ("lists of deletes that wait", 3),
        ("approvals", 3),
        ("deletions that the guard counts", 3),
        ("claims of an ODS's address", 1),
    ]
    assert held.last_run == "2020-01-01 00:00 UTC"


def test_what_a_target_has_not_is_not_counted_and_its_newest_run_is_told(memory: sa.Connection):
    for target_id, hours in ((GONE, 1), (GONE, 3), (GONE, 2), (KEPT, 9)):
        add(memory, run, target_id=target_id, run_id=f"{hours}", started_at=AT + timedelta(hours=hours))
    assert forgetting.holding(memory, GONE) == forgetting.Holding({"runs": 3}, "2026-01-15 15:00 UTC")


def test_targets_go_in_turn_but_for_those_configured_at_work_or_run_lately(
    memory: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bulk, "now", lambda: AT + timedelta(days=30))
    for name in ("f", "e", "d", "c", "b", "a"):
        add(memory, target, target_id=name)
    soon = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    add(memory, lease, target_id="b", owner="x", owner_name="run r", expires_at=soon)
    add(memory, lease, target_id="a", owner=None, owner_name="run r", expires_at=soon)
    add(memory, lease, target_id="c", owner="x", owner_name="run r", expires_at=AT)
    for name, at in (("d", AT), ("f", AT - timedelta(microseconds=1)), ("f", AT - timedelta(days=9))):
        add(memory, run, target_id=name, run_id=str(at), started_at=at)
    memory.commit()
    assert forgetting.retire(memory.engine, ["e"], 30) == ["a", "c", "f"]
    assert forgetting.known(memory) == ["b", "d", "e"]
