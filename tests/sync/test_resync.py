"""The resync (page: Resync Logic) and what it never touches."""

from copy import deepcopy
from typing import Any

import pytest

from tests.sync.world import RESOURCE, World, counting_writes


@pytest.fixture
def sent(world: World) -> World:
    for number in (1, 2, 3):
        world.campus.add(number, person=number)
    world.run()
    return world


def document_of(world: World, person: int) -> dict[str, Any]:
    documents = world.odses[2026].control.documents(RESOURCE)
    found = [d for d in documents if d["studentReference"]["studentUniqueId"].endswith(f"0{person}")]
    return deepcopy(found[0])


def stranger(world: World, **changes: Any) -> dict[str, Any]:
    """An association that no Campus record stands behind."""
    document = document_of(world, 1)
    for name in ("id", "_etag", "_lastModifiedDate"):
        document.pop(name, None)
    return document | {"beginDate": "2025-10-01"} | changes


def test_a_mapping_without_an_ods_record_goes_and_the_record_is_posted_again(sent: World):
    sent.odses[2026].control.delete(RESOURCE, document_of(sent, 1)["id"])
    result = sent.run()
    assert result.counts["resync found"]["not_in_ods"] == 1
    assert result.counts["sent"]["Post"] == 1
    assert sent.there() == sent.expected()


def test_a_mapping_without_an_ods_record_or_a_source_just_goes(sent: World):
    sent.odses[2026].control.delete(RESOURCE, document_of(sent, 1)["id"])
    sent.campus.remove(1)
    sent.run()
    assert sent.there() == sent.expected()
    assert sent.in_ledger("SELECT COUNT(*) FROM edfi_cte_identity_mapping") == [(2,)]


def test_an_ods_record_without_a_source_is_deleted(sent: World):
    sent.odses[2026].control.put(RESOURCE, stranger(sent))
    result = sent.run()
    assert result.counts["resync found"]["no_source"] == 1
    assert result.counts["sent"]["Delete"] == 1
    assert sent.there() == sent.expected()


def test_a_record_edited_in_the_ods_is_put_right(sent: World):
    sent.odses[2026].control.put(RESOURCE, document_of(sent, 1) | {"endDate": "2026-01-01"})
    result = sent.run()
    assert result.counts["resync found"]["edited"] == 1
    assert result.counts["sent"]["Put"] == 1
    assert sent.there() == sent.expected()


def test_records_of_other_organizations_and_program_types_are_never_touched(sent: World):
    own = document_of(sent, 1)
    athletics = own["programReference"] | {"programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Athletics"}
    school = {"educationOrganizationReference": {"educationOrganizationId": 391411050}}
    control = sent.odses[2026].control
    control.put(RESOURCE, stranger(sent, programReference=athletics))
    control.put(RESOURCE, stranger(sent, **school))
    with counting_writes(sent.odses[2026]) as counted:
        result = sent.run()
    assert counted == [0]
    assert result.counts["resync found"]["in_ods"] == 3


def test_resync_off_leaves_the_ods_as_it_is(sent: World):
    control = sent.odses[2026].control
    control.put(RESOURCE, stranger(sent))
    control.delete(RESOURCE, document_of(sent, 2)["id"])
    with counting_writes(sent.odses[2026]) as counted:
        assert sent.run(resync=False).status == "ok"
    assert counted == [0]
    sent.run()
    assert sent.there() == sent.expected()


def test_a_lost_ledger_is_rebuilt_and_leftovers_are_cleaned_up(sent: World):
    sent.campus.remove(3)
    sent.lose_ledger()
    result = sent.run()
    assert result.counts["resync found"]["no_source"] == 1
    assert sent.there() == sent.expected()
    with counting_writes(sent.odses[2026]) as counted:
        sent.run()
    assert counted == [0]


def test_a_dry_run_sends_nothing_and_says_what_it_would(sent: World):
    sent.campus.remove(1)
    sent.campus.add(4, person=4)
    with counting_writes(sent.odses[2026]) as counted:
        result = sent.run(dry_run=True)
    assert counted == [0]
    assert result.status == "dry run"
    assert result.counts["planned"] == {"Post": 1, "Delete": 1}
    sent.run()
    assert sent.there() == sent.expected()
