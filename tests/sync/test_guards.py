"""When a year stops rather than does harm, or its deletes wait: each guard, and what would happen without it."""

import pytest

from edfi_cte.campus import CampusReader, IncompleteExtract
from edfi_cte.ledger import forgetting
from edfi_cte.ods import EdFiClient
from edfi_cte.sync import reading
from edfi_cte.sync.lane import StepFailed
from sandbox.ods.faults import Fault
from tests.sync.world import RESOURCE, World, counting_writes

MANY = 30


@pytest.fixture
def sent(world: World) -> World:
    """Thirty associations: one student, thirty start dates."""
    from datetime import datetime, timedelta

    for number in range(MANY):
        world.campus.add(number + 1, startDate=datetime(2025, 8, 20) + timedelta(days=number))  # noqa: DTZ001
    assert world.run().counts["sent"]["Post"] == MANY
    return world


def test_deletes_over_the_limit_wait_for_a_person(sent: World):
    for number in range(1, 28):
        sent.campus.set("EnrollmentMO", number, careerCluster=None)
    with counting_writes(sent.odses[2026]) as counted:
        said = str(sent.red().message)
    assert counted == [0]
    for words in (
        "27 deletes",
        "10% of 30",
        "more than 5",
        "in 24 h",
        "career_cluster_blank",
        "airflow dags trigger",
    ):
        assert words in said
    assert sent.run(approve=sent.list_id()).counts["sent"]["Delete"] == 27
    assert sent.there() == sent.expected()


def test_deletes_within_either_limit_go_through(sent: World):
    for number in range(1, 6):
        sent.campus.remove(number)
    assert sent.run().counts["sent"]["Delete"] == 5


def test_the_delete_of_a_delete_post_counts_too(sent: World):
    sent.campus.set("Person", 1, stateID="1000000002")
    with counting_writes(sent.odses[2026]) as counted:
        assert "student_id_changed" in str(sent.red().message)
    assert counted == [0]


def test_the_limits_are_settings(sent: World):
    sent.settings["guards"] = {"max_delete_fraction": 0, "max_delete_count": 0}
    sent.campus.remove(1)
    assert "1 deletes wait" in str(sent.red().message)


def test_an_empty_extract_never_counts_as_gone(sent: World):
    """Without the guard every record would be deleted: the district's rows moved, or the login lost its rights."""
    enrollments, missouri = sent.campus.tables["Enrollment"], sent.campus.tables["EnrollmentMO"]
    sent.campus.tables["EnrollmentMO"] = []
    with counting_writes(sent.odses[2026]) as counted:
        assert "no career-technical record" in str(sent.red().message)
        sent.campus.tables["Enrollment"] = []
        with pytest.raises(StepFailed, match=f"of the year at all, where {MANY} records are in"):
            sent.run(approve=sent.list_id())
    assert counted == [0]
    sent.campus.tables |= {"Enrollment": enrollments, "EnrollmentMO": missouri}
    assert sent.run().counts["unchanged"] == MANY


def test_an_empty_extract_and_a_lost_ledger_make_no_orphans(world: World):
    """Without the guard the resync would find that nothing in Campus stands behind the ODS's records."""
    world.campus.add(1)
    world.run()
    world.lose_ledger()
    world.campus.tables["EnrollmentMO"] = []
    with counting_writes(world.odses[2026]) as counted:
        world.red()
    assert counted == [0]
    assert world.run(approve=world.list_id()).counts["sent"]["Delete"] == 1


def test_a_year_that_has_not_begun_is_no_fault(world: World):
    assert world.run().status == "ok"


def test_everything_may_go_if_a_person_says_so_and_campus_still_has_enrollments(sent: World):
    sent.campus.tables["EnrollmentMO"] = []
    sent.red()
    assert sent.run(approve=sent.list_id()).counts["sent"]["Delete"] == MANY
    assert sent.there() == {}


def test_a_partial_extract_never_counts_as_gone(sent: World, monkeypatch: pytest.MonkeyPatch):
    whole = CampusReader.enrollment_rows

    def broken_off(reader: CampusReader, year: int):
        for rows in whole(reader, year):
            yield rows[:20]
            raise IncompleteExtract("Campus counted 30 enrollment records and sent 20.")

    monkeypatch.setattr(CampusReader, "enrollment_rows", broken_off)
    with counting_writes(sent.odses[2026]) as counted, pytest.raises(IncompleteExtract):
        sent.run()
    assert counted == [0]
    monkeypatch.undo()
    assert sent.run().counts["unchanged"] == MANY


def test_orphans_over_the_limit_are_not_cleaned_up(sent: World):
    sent.settings["guards"] = {"max_delete_fraction": 0.1, "max_delete_count": 2}
    control = sent.odses[2026].control
    for document in control.documents(RESOURCE)[:4]:
        own = {k: v for k, v in document.items() if k not in ("id", "_etag", "_lastModifiedDate")}
        control.put(RESOURCE, own | {"beginDate": "2026" + own["beginDate"][4:]})
    with counting_writes(sent.odses[2026]) as counted:
        assert "no_source" in str(sent.red().message)
    assert counted == [0]
    sent.run(approve=sent.list_id())
    assert sent.there() == sent.expected()


@pytest.mark.parametrize(("allowed", "strangers"), [(2, 3), (2, 4), (1, 3), (2, 5), (0, 1)])
def test_orphans_over_the_limit_all_stay_however_the_pages_divide_them(sent: World, allowed: int, strangers: int):
    """Pages of two: the guard is full before the last page, at its border or behind it."""
    sent.page_size = 2
    sent.settings["guards"] = {"max_delete_fraction": 0, "max_delete_count": allowed}
    control = sent.odses[2026].control
    for document in control.documents(RESOURCE)[:strangers]:
        own = {k: v for k, v in document.items() if k not in ("id", "_etag", "_lastModifiedDate")}
        control.put(RESOURCE, own | {"beginDate": "2026" + own["beginDate"][4:]})
    with counting_writes(sent.odses[2026]) as counted:
        assert sent.red(whole_resync=True).counts["waiting for a person"] == {"guard": strangers}
    assert counted == [0]
    assert sent.in_ledger("SELECT DISTINCT state, first_contact FROM edfi_cte_kept_record") == [("waiting", 0)]


def test_an_ods_list_that_leaves_records_out_is_not_believed(sent: World, monkeypatch: pytest.MonkeyPatch):
    """Without the check by id every mapping would go and be posted again. Mocked: no server lies on request."""

    whole = EdFiClient.pages

    async def empty(client: EdFiClient, resource: str, filters: object = None, **options: int):
        if resource != RESOURCE:
            async for page in whole(client, resource, filters, **options):
                yield page

    monkeypatch.setattr(EdFiClient, "pages", empty)
    monkeypatch.setattr(reading, "LOOK_AGAIN", 0.01)
    with (
        counting_writes(sent.odses[2026]) as counted,
        pytest.raises(StepFailed, match="lists fewer records") as failed,
    ):
        sent.run(whole_resync=True)
    assert failed.value.transient, "a replica may have lagged"
    assert counted == [0]
    assert sent.in_ledger("SELECT COUNT(*) FROM edfi_cte_identity_mapping") == [(MANY,)]


def test_a_failed_read_of_the_ods_deletes_nothing(sent: World):
    ods = sent.odses[2026]
    broken = Fault("status", method="GET", path=RESOURCE, status=500)
    with ods.control.faults(broken), counting_writes(ods) as counted, pytest.raises(StepFailed):
        sent.run()
    assert counted == [0]


def test_a_changed_district_number_is_refused(sent: World):
    sent.settings["targets"][1]["education_organization_id"] = 55555
    with counting_writes(sent.odses[2026]) as counted, pytest.raises(StepFailed, match=r"39141.*55555") as refused:
        sent.run()
    assert counted == [0]
    forgetting.forget(sent.ledger, str(refused.value).rpartition("edfi-cte forget ")[2])
    with pytest.raises(StepFailed, match="is for 39141, not for 55555"):
        sent.run()


def test_a_district_that_campus_renamed_is_refused(sent: World):
    sent.campus.set("District", 1, number="039999")
    with counting_writes(sent.odses[2026]) as counted, pytest.raises(StepFailed, match=r"no district 039141.*039999"):
        sent.run()
    assert counted == [0]


def test_the_deletes_of_the_resync_count_with_those_of_the_plan(sent: World):
    """Either half alone is within the limit."""
    control = sent.odses[2026].control
    for document in control.documents(RESOURCE)[:4]:
        own = {k: v for k, v in document.items() if k not in ("id", "_etag", "_lastModifiedDate")}
        control.put(RESOURCE, own | {"beginDate": "2024" + own["beginDate"][4:]})
    for number in range(1, 5):
        sent.campus.remove(number)
    report = sent.red()
    assert report.counts["sent"]["Delete"] == 4
    assert report.counts["waiting for a person"] == {"guard": 4}
    assert "4 were deleted in that time" in str(report.message)
    sent.run(approve=sent.list_id())
    assert sent.there() == sent.expected()


def test_an_empty_extract_deletes_nothing_that_may_be_in_the_ods(world: World):
    """No record is mapped: the ledger is new, and the answers to all posts were lost."""
    for number in range(1, 6):
        world.campus.add(number, person=number)
    lost = Fault("drop", method="POST", path=RESOURCE, when="after")
    with world.odses[2026].control.faults(lost):
        assert world.run(resync=False).counts["failed for"] == {"connection_lost": 5}
    enrollments, world.campus.tables["EnrollmentMO"] = world.campus.tables["Enrollment"], []
    world.campus.tables["Enrollment"] = []
    with pytest.raises(StepFailed, match="of the year at all, where some records are in the ODS, or may be"):
        world.run(resync=False)
    world.campus.tables["Enrollment"] = enrollments
    for resync in (False, True):
        assert world.red(resync=resync).counts["waiting for a person"] == {"empty_extract": 5}
    assert len(world.there()) == 5
    assert world.run(approve=world.list_id()).counts["sent"]["Delete"] == 5
