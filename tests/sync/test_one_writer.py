"""Old documents that are kept together are all kept before any of their deletes is sent."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import events
from edfi_cte.ledger.schema import event
from edfi_cte.sync.one_writer import OneWriter
from tests.sync.world import World

TARGET = "039141-2026"
BODIES = {number: f'{{"n":{number}}}' for number in range(1, 17)}


@pytest.fixture
def ledger(world: World) -> sa.Engine:
    with world.ledger.begin() as connection:
        common = {"step": "natural_key_changes", "action": "Put", "cause": "test"}
        events.add(connection, TARGET, "run", [common | {"key_id": f"{number:032}"} for number in BODIES])
    return world.ledger


def kept(ledger: sa.Engine) -> dict[int, str]:
    with ledger.connect() as connection:
        rows = connection.execute(sa.select(event.c.event_id, event.c.old_body).where(event.c.old_body.is_not(None)))
        return {row.event_id: row.old_body for row in rows}


def test_those_that_come_meanwhile_are_kept_together(ledger: sa.Engine):
    transactions = []

    @contextmanager
    def writing() -> Iterator[sa.Connection]:
        with ledger.begin() as connection:
            transactions.append(connection)
            yield connection

    async def keep(writer: OneWriter, number: int) -> None:
        await writer.keep_old(number, BODIES[number])
        assert kept(ledger)[number] == BODIES[number]

    async def keep_all() -> None:
        writer = OneWriter(writing)
        await asyncio.gather(*(keep(writer, number) for number in BODIES))

    asyncio.run(keep_all())
    assert kept(ledger) == BODIES
    assert len(transactions) == 2, "the first, and all that came while it was written"


def test_where_writing_fails_no_one_takes_his_for_kept(ledger: sa.Engine):
    faults = [RuntimeError("power"), RuntimeError("power"), RuntimeError("power")]

    @contextmanager
    def writing() -> Iterator[sa.Connection]:
        with ledger.begin() as connection:
            yield connection
            if faults:
                raise faults.pop()

    async def keep_all() -> list[BaseException | None]:
        writer = OneWriter(writing)
        work = (writer.keep_old(number, BODIES[number]) for number in BODIES)
        return await asyncio.gather(*work, return_exceptions=True)

    said = asyncio.run(keep_all())
    failed = [number for number, error in zip(BODIES, said, strict=True) if error is not None]
    assert failed == [1, 2, 3], "the fourth wrote what the first three had given up, too"
    assert kept(ledger) == BODIES
