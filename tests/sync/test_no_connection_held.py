"""While Campus or the ODS works no connection to the ledger is held: a server that closes idle ones does no harm."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.campus import CampusReader
from edfi_cte.ledger import streams
from edfi_cte.ledger.database import open_ledger
from edfi_cte.ods import EdFiClient
from tests.sync.world import RESOURCE, World


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """``at_work(look)`` has ``look`` called while Campus is read, and while the ODS answers for a single record."""
    rows, get = CampusReader.enrollment_rows, EdFiClient.get

    def watch(look: Callable[[], None]) -> None:
        def watched(self: CampusReader, *args: Any) -> Iterator[Any]:
            for batch in rows(self, *args):
                for row in batch:
                    look()
                    yield [row]

        async def answered(self: EdFiClient, *args: Any) -> Any:
            look()
            return await get(self, *args)

        monkeypatch.setattr(CampusReader, "enrollment_rows", watched)
        monkeypatch.setattr(EdFiClient, "get", answered)
        monkeypatch.setattr(streams, "PAGE", 2)

    return watch


def test_no_connection_is_held_meanwhile(world: World, at_work: Callable[[Callable[[], None]], None]):
    seen: list[int] = []
    at_work(lambda: seen.append(world.ledger.pool.checkedout()))  # type: ignore[attr-defined]
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.run()
    control = world.odses[2026].control
    control.delete(RESOURCE, control.documents(RESOURCE)[3]["id"])
    control.delete(RESOURCE, control.documents(RESOURCE)[0]["id"])
    assert world.run().counts["sent"]["Post"] == 2
    assert set(seen) == {0}
    assert len(seen) == 6 + 6 + 2, "each row of both runs, and what was missing"


def test_a_server_that_closes_idle_sessions_does_no_harm(
    world: World, postgres_database: str, tmp_path: Path, at_work: Callable[[Callable[[], None]], None]
):
    name = sa.make_url(postgres_database).database
    with sa.create_engine(postgres_database, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {name} SET idle_session_timeout = '300ms'"))
    world.ledger = open_ledger(postgres_database)
    for number in range(1, 5):
        world.campus.add(number, person=number)
    world.run()
    at_work(lambda: time.sleep(0.5))
    world.campus.set("EnrollmentMO", 3, careerCluster="9")
    assert world.run().status == "ok"
    assert world.there() == world.expected()
    world.ledger.dispose()
