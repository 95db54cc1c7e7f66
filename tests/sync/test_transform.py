"""What transform leaves in the ledger beside its plan."""

from __future__ import annotations

from edfi_cte.ledger import mappings
from tests.sync.world import World, counting_writes


def test_with_which_preferences_all_was_made_is_kept_once_it_was(world: World):
    world.campus.add(1)
    world.run()
    first = world.lane().transform().fingerprint
    made = "SELECT transformed_with FROM edfi_cte_target"
    assert world.in_ledger(made) == [(first,)]
    world.settings["preferences"]["default"] = {"send_end_date": True}
    second = world.lane().transform().fingerprint
    assert second != first
    world.run()
    assert world.in_ledger(made) == [(second,)]
    assert world.in_ledger("SELECT DISTINCT transformed_with FROM edfi_cte_record_outcome") == [(second,)]
    assert world.in_ledger("SELECT DISTINCT transformed_with FROM edfi_cte_identity_mapping") == [(second,)]


def test_another_enrollment_of_the_same_association_stands_behind_its_mapping(world: World):
    """Nothing is sent: the ODS holds what is desired."""
    world.campus.add(1, person=1)
    world.run()
    world.campus.remove(1)
    world.campus.add(2, person=1)
    with counting_writes(world.odses[2026]) as writes:
        world.run()
    assert writes == [0]
    lane = world.lane()
    with lane.ledger.connect() as connection:
        assert mappings.count(connection, lane.target_id) == 1
    assert world.in_ledger("SELECT enrollment_id FROM edfi_cte_identity_mapping") == [(2,)]
