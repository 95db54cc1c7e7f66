"""Errors are grouped by reason, detail and school, the most first, each with the first enrollments."""

from edfi_cte.ledger import error_groups
from tests.sync.campus import calendar
from tests.sync.world import World


def test_the_same_error_at_two_schools_is_two_groups(world: World):
    campus = world.campus
    campus.tables["School"].append(
        {"schoolID": 2, "districtID": 1, "number": "2050", "name": "Other", "exclude": None}
    )
    campus.tables["Calendar"].append(calendar(2026) | {"calendarID": 7, "schoolID": 2})
    for number in (1, 2, 3):
        campus.add(number, "77", person=number)
    campus.add(4, "77", person=4, calendarID=7)
    campus.add(5, "78", person=5, calendarID=7)
    world.run()
    with world.ledger.connect() as connection:
        groups = error_groups.campus_errors(connection, world.lane().target_id)
    assert [(group.detail, group.school_number, group.records, group.examples) for group in groups] == [
        ("77", "1050", 3, [1, 2, 3]),
        ("77", "2050", 1, [4]),
        ("78", "2050", 1, [5]),
    ]
    assert {group.school for group in groups} == {"High (1050)", "Other (2050)"}
    assert all(group.since is not None for group in groups)
