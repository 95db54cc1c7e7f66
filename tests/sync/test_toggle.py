"""The resource toggle (page: None, "all sent data remains in the ODS but no new data sends")."""

from tests.sync.world import RESOURCE, World, counting_writes


def test_off_stops_every_write_and_on_again_sends_the_difference(world: World):
    world.campus.add(1)
    world.campus.add(2, person=2)
    world.run()
    sent = world.there()
    world.campus.remove(1)
    world.campus.add(3, person=3)
    [kept] = [
        d for d in world.odses[2026].control.documents(RESOURCE) if "01" in d["studentReference"]["studentUniqueId"]
    ]
    world.settings["targets"][1]["enabled"] = False
    with counting_writes(world.odses[2026]) as counted:
        result = world.run(allow_mass_delete=True)
    assert counted == [0]
    assert result.status == "off"
    assert world.there() == sent
    assert kept in world.odses[2026].control.documents(RESOURCE)
    world.settings["targets"][1]["enabled"] = True
    assert world.run().counts["sent"] == {"Post": 1, "Put": 0, "Delete": 1, "Delete/Post": 0}
    assert world.there() == world.expected()


def test_off_for_one_year_is_on_for_the_other(world: World):
    world.campus.add(1, year=2025)
    world.settings["targets"][1]["enabled"] = False
    assert world.run(2025).counts["sent"]["Post"] == 1
