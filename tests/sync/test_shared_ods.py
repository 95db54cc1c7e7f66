"""Two targets never write to one ODS: each would delete the other's records."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ods import EdFiClient, EdFiConfig
from edfi_cte.sync.lane import Lane, StepFailed
from edfi_cte.sync.steps import run_step
from sandbox.ods import serve
from tests.sync.world import World, counting_writes, seed


def lane_to(world: World, ods: Any, **config: Any) -> Lane:
    """The lane of 2026, over a connection of the test's own."""
    made = EdFiConfig(**{"base_url": ods.base_url, "client_id": ods.key, "client_secret": ods.secret, **config})
    return replace(world.lane(2026), open_ods=partial(EdFiClient, made))


def test_another_targets_address_is_refused_until_its_records_are_said_to_be_gone(world: World):
    """The connection of the new year still leads to the old year's ODS."""
    world.campus.add(1)
    world.run(2026)
    world.odses = {2025: world.odses[2026], 2026: world.odses[2026]}
    with counting_writes(world.odses[2026]) as counted, pytest.raises(StepFailed) as refused:
        world.run(2025)
    assert counted == [0]
    assert "edfi_2025" in str(refused.value)
    assert "039141-2026's records" in str(refused.value)
    world.odses[2026].control.reset()
    with world.ledger.begin() as connection:
        connection.execute(sa.text(str(refused.value).rpartition("database: ")[2]))
    assert world.run(2025).status == "ok"


def test_a_connection_of_another_school_year_is_refused(world: World):
    world.campus.add(1)
    lane = lane_to(world, world.odses[2026], school_year=2025)
    with pytest.raises(StepFailed, match=r"connection 'edfi_2026' is for 2025, .* scope year is 2026"):
        run_step(lane, "preflight")


@pytest.mark.parametrize("part", ["2025", "2024-2025"])
def test_an_address_of_another_school_year_is_refused(world: World, part: str):
    lane = lane_to(world, ods := world.odses[2026], data_url=f"{ods.base_url}/{part}/data/v3")
    with pytest.raises(StepFailed, match=r"connection 'edfi_2026' is for 2025, .* scope year is 2026"):
        run_step(lane, "preflight")


def test_an_address_of_the_targets_school_year_is_taken(world: World):
    with serve(seed={2026: seed()}, api="6.2", school_years=(2026,)) as ods:
        run_step(lane_to(world, ods, school_year=2026), "preflight")
    [(data_url,)] = world.in_ledger("SELECT data_url FROM edfi_cte_target")
    assert data_url.endswith("/2026")
