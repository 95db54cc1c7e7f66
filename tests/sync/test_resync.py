"""The resync (page: Resync Logic) and what it never touches."""

from copy import deepcopy
from typing import Any

import pytest

from edfi_cte.ledger import overview
from edfi_cte.ods import EdFiClient
from edfi_cte.sync.lane import StepFailed
from sandbox.ods.faults import Fault
from tests.sync.ods_seed import seed
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


def newest(world: World) -> overview.Run:
    with world.ledger.connect() as connection:
        return overview.recent_runs(connection, world.lane().target_id)[0]


def test_each_run_knows_when_all_was_last_read_but_one_whose_resync_failed_or_was_left_out(sent: World):
    first = newest(sent)
    assert first.resynced_at is not None
    assert first.started_at <= first.resynced_at <= (first.finished_at or first.started_at)
    sent.run()
    assert newest(sent).resynced_at == first.resynced_at, "it read what had changed"
    sent.run(resync=False)
    assert newest(sent).resynced_at is None
    broken = Fault("status", method="GET", path=RESOURCE, status=500)
    with sent.odses[2026].control.faults(broken), pytest.raises(StepFailed):
        sent.run(whole_resync=True)
    assert newest(sent).resynced_at is None
    sent.run(whole_resync=True)
    assert (newest(sent).resynced_at or first.resynced_at) > first.resynced_at


def test_a_lost_ledger_is_rebuilt_and_leftovers_are_cleaned_up(sent: World):
    sent.campus.remove(3)
    sent.lose_ledger()
    result = sent.run()
    assert result.counts["resync found"]["no_source"] == 1
    assert result.counts["waiting for a person"] == {"first_contact": 1}
    sent.run(approve=sent.list_id())
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
    assert (result.counts["desired"], result.counts["desired and in the ODS as such"]) == (3, 2)
    sent.run()
    assert sent.there() == sent.expected()


def test_a_server_that_ignores_the_filters_shows_us_nothing_of_others(sent: World, monkeypatch: pytest.MonkeyPatch):
    """Without the check of each document they would be deleted. Mocked: the sandbox heeds every filter."""
    athletics = document_of(sent, 1)["programReference"] | {
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Athletics"
    }
    control = sent.odses[2026].control
    control.put(RESOURCE, stranger(sent, programReference=athletics))
    control.put(RESOURCE, stranger(sent, educationOrganizationReference={"educationOrganizationId": 391411050}))
    filtered = EdFiClient.pages

    def unfiltered(client: EdFiClient, resource: str, _filters: object = None, **options: int) -> Any:
        return filtered(client, resource, **options)

    monkeypatch.setattr(EdFiClient, "pages", unfiltered)
    with counting_writes(sent.odses[2026]) as counted:
        result = sent.run()
    assert counted == [0]
    assert result.counts["resync found"]["in_ods"] == 3


@pytest.fixture
def hidden(sent: World) -> World:
    """Student 2 has no studentSchoolAssociation any more: the record can be neither listed nor read nor deleted."""
    control = sent.odses[2026].control
    enrolled = control.documents("studentSchoolAssociations")
    [one] = [d for d in enrolled if d["studentReference"]["studentUniqueId"] == "1000000002"]
    control.delete("studentSchoolAssociations", one["id"])
    return sent


def test_a_record_out_of_reach_is_counted_and_does_not_keep_the_others_from_their_resync(hidden: World):
    hidden.odses[2026].control.delete(RESOURCE, document_of(hidden, 3)["id"])
    result = hidden.run()
    assert result.status == "ok"
    found = result.counts["resync found"]
    assert (found["out_of_reach"], found["not_in_ods"]) == (1, 1)
    assert hidden.there() == hidden.expected()


def test_a_refused_delete_is_out_of_reach_and_the_record_is_looked_after_again_when_the_student_is_back(
    hidden: World,
):
    """4.1: the ODS refuses our delete. No failure, not asked for again each night, in neither guard's count."""
    hidden.campus.set("Enrollment", 2, noShow=True)
    for asked in (1, 0, 0):
        with counting_writes(hidden.odses[2026]) as counted:
            result = hidden.run()
        assert counted == [asked]
        assert (result.status, result.counts["failed"]) == ("ok", 0)
        assert result.counts["out of the key's reach"] == {"no_show": 1}
        with hidden.ledger.connect() as connection:
            this = overview.find_run(connection, hidden.lane().target_id, newest(hidden).run_id)
        assert this is not None
        assert [step.left["refused"] for step in this.steps if step.step == "natural_key_changes"] == [asked]
        assert "only the state can delete the records" in result.advice["out of reach"]
        assert hidden.in_ledger("SELECT COUNT(*) FROM edfi_cte_deletion") == [(0,)]
    enrolled = [d for d in seed()["studentSchoolAssociations"] if "1000000002" in d["studentReference"].values()]
    hidden.odses[2026].control.seed({"studentSchoolAssociations": enrolled})
    hidden.run()
    assert hidden.run().counts["sent"]["Delete"] == 1
    assert hidden.there() == hidden.expected()


def test_a_new_record_whose_old_one_is_out_of_reach_is_sent_all_the_same(hidden: World):
    """A Delete/Post is done by its post; what the ODS keeps of the old key is told as what we can't delete."""
    hidden.campus.set("Person", 2, stateID="1000000007")
    result = hidden.run(resync=False)
    assert (result.status, result.counts["failed"]) == ("ok", 0)
    assert result.counts["sent"]["Delete/Post"] == 1
    assert result.counts["out of the key's reach"] == {"student_id_changed": 1}
    assert hidden.in_ledger("SELECT COUNT(*) FROM edfi_cte_deletion") == [(0,)]
    assert hidden.expected().items() <= hidden.there().items()
    assert len(hidden.there()) == len(hidden.expected()) + 1


def test_a_record_that_waits_under_the_program_type_that_was_ours_before_is_left_alone(sent: World):
    """One program of the new type is missing, so its record stays as it was sent; the others move."""
    sent.campus.set("EnrollmentMO", 2, cteProgramType="0110")
    sent.run()
    sent.settings["preferences"]["default"] = {
        "program_type_descriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Athletics",
        "program_name": {"mapping": {"0110": "Nowhere"}},
    }
    for _ in range(2):
        result = sent.run()
        assert result.counts["failed for"] == {"program_missing": 1}
        found = {name: n for name, n in result.counts["resync found"].items() if n}
        assert found == {"in_ods": 2, "out_of_reach": 1}
    [waiting] = sent.there().values()
    assert waiting["studentReference"]["studentUniqueId"] == "1000000002"


def test_a_twin_that_differs_by_case_is_deleted(sent: World):
    """An ODS on PostgreSQL may hold both, and knows them for two."""
    sent.campus.set("EnrollmentMO", 1, cteProgramType="0110")
    sent.run()
    program = document_of(sent, 1)["programReference"] | {"programName": "AGRICULTURAL EDUCATION"}
    begin = document_of(sent, 1)["beginDate"]
    sent.odses[2026].control.put(RESOURCE, stranger(sent, programReference=program, beginDate=begin))
    sent.run()
    assert sent.there() == sent.expected()


def fills_in(world: World, monkeypatch: pytest.MonkeyPatch, name: str = "participationStatus") -> None:
    """An ODS that gives every record a property of its own. Mocked: no server of the sandbox does."""
    whole, one = EdFiClient.pages, EdFiClient.get

    async def pages(client: EdFiClient, resource: str, filters: object = None, **options: int) -> Any:
        async for page in whole(client, resource, filters, **options):
            yield [document | {name: "by the ODS"} for document in page] if resource == RESOURCE else page

    async def get(client: EdFiClient, resource: str, *arguments: Any, **options: Any) -> Any:
        return {**await one(client, resource, *arguments, **options), name: "by the ODS"}

    monkeypatch.setattr(EdFiClient, "pages", pages)
    monkeypatch.setattr(EdFiClient, "get", get)


def test_a_property_that_the_ods_fills_in_is_put_once_then_told_by_name(
    sent: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    fills_in(sent, monkeypatch)
    assert sent.run().counts["sent"]["Put"] == 3
    said = " ".join(" ".join(caplog.messages).split())
    assert "039141-2026: 3 records still differ in participationStatus after a Put; they are left as they are" in said
    for _ in range(2):
        with counting_writes(sent.odses[2026]) as counted:
            result = sent.run()
        assert counted == [0]
        assert result.counts["differs whatever is put"] == {"participationStatus": 3}
    sent.odses[2026].control.put(RESOURCE, document_of(sent, 1) | {"endDate": "2026-01-01"})
    assert sent.run().counts["sent"]["Put"] == 1
    assert sent.there() == sent.expected()
    monkeypatch.undo()
    assert sent.run().counts["differs whatever is put"] == {}
