"""A run's report forgets what is past the retention, of targets that left the settings too."""

import logging

import pytest
import sqlalchemy as sa

from edfi_cte.ledger.schema import event, identity_mapping, run
from tests.ledger.everything import OLD, fill
from tests.sync.world import World

GONE = "039141-2019"


@pytest.fixture
def left_over(world: World) -> World:
    """A target that the settings no longer have."""
    with world.ledger.begin() as connection:
        fill(connection, GONE)
    world.campus.add(1)
    return world


def count(world: World, table: sa.Table, target_id: str) -> int:
    with world.ledger.connect() as connection:
        counted = sa.select(sa.func.count()).select_from(table).where(table.c.target_id == target_id)
        return connection.execute(counted).scalar_one()


def test_a_target_that_left_the_settings_long_ago_is_forgotten(left_over: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    left_over.run()
    assert count(left_over, identity_mapping, GONE) == count(left_over, event, GONE) == 0
    assert f"{GONE} has left the settings" in caplog.text
    assert count(left_over, identity_mapping, "039141-2026") == 1


def test_one_that_ran_lately_is_another_deployments_and_stays(left_over: World):
    with left_over.ledger.begin() as connection:
        connection.execute(
            sa.update(run).where(run.c.run_id == "0" * 32).values(started_at=sa.func.current_timestamp())
        )
    left_over.run()
    assert count(left_over, identity_mapping, GONE) == 3


def test_a_configured_target_that_is_off_stays(world: World):
    with world.ledger.begin() as connection:
        fill(connection, "039141-2025")
        connection.execute(sa.update(run).values(started_at=OLD))
    world.settings["targets"][0]["enabled"] = False
    world.campus.add(1)
    world.run(2026)
    assert count(world, identity_mapping, "039141-2025") == 3
