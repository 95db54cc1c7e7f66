"""Deletes that are earned: each test names its row of design 4.1, and failed before."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.campus import CampusReader
from edfi_cte.ledger import schema
from edfi_cte.ods import EdFiClient
from edfi_cte.sync import reading
from edfi_cte.sync.lane import StepFailed
from edfi_cte.sync.steps import run_step
from tests.sync.world import RESOURCE, World, counting_writes


def fill(world: World, count: int) -> World:
    """So many associations: one student a date, eight students."""
    for number in range(count):
        start = datetime(2025, 8, 20) + timedelta(days=number)  # noqa: DTZ001
        world.campus.add(number + 1, person=number % 4 + 1, startDate=start)
    assert world.run().counts["sent"]["Post"] == count
    return world


def strangers(world: World, count: int) -> None:
    """So many records of ours in the ODS that no Campus record stands behind."""
    control = world.odses[2026].control
    for document in control.documents(RESOURCE)[:count]:
        own = {k: v for k, v in document.items() if k not in ("id", "_etag", "_lastModifiedDate")}
        control.put(RESOURCE, own | {"beginDate": "2024" + own["beginDate"][4:]})


# its enrollment is rejected: held


@pytest.mark.parametrize(
    ("broken", "mended", "reason"),
    [
        ({"careerCluster": "77"}, {"careerCluster": "8"}, "career_cluster_unmapped"),
        ({"cteProgramType": "9999"}, {"cteProgramType": "0410"}, "program_name_missing"),
    ],
)
def test_a_rejected_records_association_is_held_until_it_is_mended(
    world: World, broken: dict[str, str], mended: dict[str, str], reason: str
):
    fill(world, 12)
    for number in (1, 2, 3):
        world.campus.set("EnrollmentMO", number, **broken)
    with counting_writes(world.odses[2026]) as counted:
        result = world.run()
    assert counted == [0]
    assert result.status == "ok"
    assert result.counts["held for"] == {reason: 3}
    assert len(world.there()) == 12
    for number in (1, 2, 3):
        world.campus.set("EnrollmentMO", number, **mended)
    with counting_writes(world.odses[2026]) as counted:
        result = world.run()
    assert counted == [0]
    assert result.counts["held for"] == {}
    assert world.kept() == {}


def test_a_label_gone_from_campuss_code_list_for_a_day_deletes_nothing(world: World):
    fill(world, 20)
    codes = world.campus.tables["CampusDictionary"]
    world.campus.tables["CampusDictionary"] = []
    result = world.run()
    assert (result.status, result.counts["held for"]) == ("ok", {"program_name_missing": 20})
    world.campus.tables["CampusDictionary"] = codes
    assert world.run().counts["unchanged"] == 20
    assert world.there() == world.expected()


def test_a_rejection_on_a_districts_first_day_deletes_nothing(world: World):
    """4.1: no source, but its student and begin date belong to a rejected record."""
    fill(world, 10)
    world.lose_ledger()
    for number in (1, 2):
        world.campus.set("EnrollmentMO", number, careerCluster="77")
    assert world.run().counts["held for"] == {"career_cluster_unmapped": 2}
    assert world.run().counts["held for"] == {"career_cluster_unmapped": 2}
    assert len(world.there()) == 10
    for number in (1, 2):
        world.campus.set("EnrollmentMO", number, careerCluster="8")
    world.run()
    assert world.there() == world.expected()


def test_a_hold_ends_when_its_key_passes_to_another_enrollment(world: World):
    fill(world, 3)
    world.campus.set("EnrollmentMO", 1, careerCluster="77")
    assert world.run().counts["held for"] == {"career_cluster_unmapped": 1}
    world.campus.add(50, person=1, startDate=datetime(2025, 8, 20))  # noqa: DTZ001
    assert world.run().counts["held for"] == {}
    assert world.there() == world.expected()


def test_a_person_may_release_what_is_held(world: World):
    fill(world, 3)
    world.campus.set("EnrollmentMO", 1, careerCluster="77")
    world.run()
    result = world.run(approve=world.list_id("held"))
    assert result.counts["sent"]["Delete"] == 1
    assert world.there() == world.expected()


# more deletes than the guard allows


@pytest.mark.parametrize("count", [12, 25])
def test_one_calendar_exclude_box_deletes_nothing_in_a_small_district(world: World, count: int):
    fill(world, count)
    world.campus.set("Calendar", 2026, exclude=True)
    for _ in range(2):
        result = world.red()
        assert len(world.there()) == count
        assert result.counts["waiting for a person"] == {"guard": count}
    assert f"{count} deletes wait" in str(result.message)
    assert f'"approve": "{world.list_id()}"' in str(result.message)
    world.campus.set("Calendar", 2026, exclude=None)
    assert world.run().status == "ok"
    assert world.kept() == {}


def test_four_runs_of_a_day_delete_no_more_than_one(world: World):
    fill(world, 30)
    sent = 0
    for first in (1, 4, 7, 10):
        for number in range(first, first + 3):
            world.campus.remove(number)
        run = world.run if first == 1 else world.red
        sent += run().counts["sent"]["Delete"]
    assert sent == 3
    with world.ledger.begin() as connection:
        connection.execute(sa.update(schema.deletion).values(deleted_at=datetime(2020, 1, 1)))  # noqa: DTZ001
    world.settings["guards"] = {"max_delete_count": 9}
    assert world.run().counts["sent"]["Delete"] == 9


def test_above_the_guard_the_posts_and_puts_go_on(world: World):
    fill(world, 12)
    world.campus.set("Calendar", 2026, exclude=True)
    world.campus.tables["Calendar"].append(dict(world.campus.row("Calendar", 2026), calendarID=2126, exclude=None))
    world.campus.add(60, person=5, calendarID=2126)
    result = world.red()
    assert result.counts["sent"]["Post"] == 1
    assert len(world.there()) == 13


def test_the_last_records_of_a_target_wait_for_a_person(world: World):
    fill(world, 3)
    for number in (1, 2, 3):
        world.campus.set("EnrollmentMO", number, careerCluster=None)
    assert world.red().counts["waiting for a person"] == {"last_records": 3}
    world.run(approve=world.list_id())
    assert world.there() == {}


def test_the_last_records_wait_on_though_a_new_one_is_beside_them(world: World):
    fill(world, 3)
    for number in (1, 2, 3):
        world.campus.set("EnrollmentMO", number, careerCluster=None)
    world.red()
    world.campus.add(4, person=4)
    world.red()
    assert world.red().counts["waiting for a person"] == {"last_records": 3}
    world.run(approve=world.list_id())
    assert len(world.there()) == 1


def test_a_delete_post_over_the_guard_waits_whole(world: World):
    fill(world, 12)
    before = world.there()
    for number in (1, 2, 3, 4):
        world.campus.set("Person", number, stateID=f"10000000{number + 4:02}")
    result = world.red()
    assert result.counts["waiting for a person"] == {"guard": 12}
    assert world.there() == before
    world.run(approve=world.list_id())
    assert world.there() == world.expected()


# a person's word


def test_a_persons_word_reaches_the_list_and_nothing_else(world: World):
    fill(world, 20)
    for number in range(1, 9):
        world.campus.remove(number)
    world.red()
    approved = world.list_id()
    for number in range(9, 15):
        world.campus.set("Enrollment", number, noShow=True)
    world.campus.add(1, person=1, startDate=datetime(2025, 8, 20))  # noqa: DTZ001 - this one's evidence is gone
    result = world.red(approve=approved, approved_by="ada")
    assert result.counts["sent"]["Delete"] == 7
    assert result.counts["waiting for a person"] == {"guard": 6}
    [(list_id, who)] = world.in_ledger("SELECT list_id, approved_by FROM edfi_cte_approval")
    assert (list_id, who) == (approved, "ada")


def test_an_approved_delete_leaves_the_guard_to_the_days_others(world: World):
    fill(world, 20)
    for number in range(1, 9):
        world.campus.remove(number)
    world.red()
    world.run(approve=world.list_id())
    for number in range(9, 14):
        world.campus.remove(number)
    assert world.run().counts["sent"]["Delete"] == 5


def test_a_list_that_is_too_old_or_not_there_approves_nothing(world: World):
    fill(world, 12)
    with pytest.raises(StepFailed, match=r"what waits or is held now: nothing\."):
        world.run(approve="039141-2026:0123456789")
    world.campus.set("Calendar", 2026, exclude=True)
    world.red()
    approved = world.list_id()
    with world.ledger.begin() as connection:
        connection.execute(sa.update(schema.delete_list).values(seen_at=datetime(2025, 1, 1)))  # noqa: DTZ001
    with counting_writes(world.odses[2026]) as counted:
        with pytest.raises(StepFailed, match="too long ago"):
            world.run(approve=approved)
        with pytest.raises(StepFailed, match=rf"there is no list.* or is held now: {approved}\."):
            world.run(approve="039141-2026:0123456789")
    assert counted == [0]


def test_a_list_of_another_target_approves_nothing(world: World):
    fill(world, 12)
    world.campus.set("Calendar", 2026, exclude=True)
    world.red()
    digest = world.list_id().partition(":")[2]
    assert world.red(approve=f"039141-2025:{digest}").counts["sent"]["Delete"] == 0
    assert len(world.there()) == 12


# first contact


def test_on_first_contact_the_wanted_are_adopted_and_the_rest_waits(world: World):
    fill(world, 6)
    strangers(world, 4)
    world.lose_ledger()
    ids = {d["id"] for d in world.odses[2026].control.documents(RESOURCE)}
    for _ in range(2):
        result = world.run()
        assert (result.status, result.counts["waiting for a person"]) == ("ok", {"first_contact": 4})
    assert {d["id"] for d in world.odses[2026].control.documents(RESOURCE)} == ids
    assert world.list_id() in result.advice["waiting"]
    world.run(approve=world.list_id())
    assert world.there() == world.expected()


def test_a_team_may_say_that_first_contact_cleans_up(world: World):
    fill(world, 6)
    strangers(world, 4)
    world.lose_ledger()
    for target in world.settings["targets"]:
        target["first_contact"] = "clean_up"
    assert world.run().counts["sent"]["Delete"] == 4
    assert world.there() == world.expected()


def test_a_stranger_of_a_known_ods_goes_within_the_guard(world: World):
    fill(world, 6)
    strangers(world, 4)
    assert world.run().counts["sent"]["Delete"] == 4
    strangers(world, 6)
    result = world.red()
    assert result.counts["waiting for a person"] == {"guard": 6}
    assert "4 were deleted in that time" in str(result.message)


# absent from Campus: asked twice


def test_a_row_that_a_scan_misses_deletes_nothing(world: World, monkeypatch: pytest.MonkeyPatch):
    """A scan under read committed may miss a row that moves. Mocked: DuckDB reads a snapshot."""
    fill(world, 6)
    whole = CampusReader.enrollment_rows

    def misses_one(reader: CampusReader, year: int) -> Any:
        for rows in whole(reader, year):
            yield rows[1:]

    monkeypatch.setattr(CampusReader, "enrollment_rows", misses_one)
    with counting_writes(world.odses[2026]) as counted, pytest.raises(StepFailed, match="left out 1") as failed:
        world.run()
    assert counted == [0]
    world.let_leases_run_out()
    lane = world.lane()
    run_step(lane, "preflight")
    with pytest.raises(StepFailed) as step:
        run_step(lane, "extract")
    assert step.value.transient
    assert "enrollment 1 among them" in str(failed.value)
    monkeypatch.undo()
    world.let_leases_run_out()
    assert world.run().counts["unchanged"] == 6


# the resync's reading is of a moment


def test_a_replica_that_lags_makes_no_strangers_of_what_this_run_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The list still shows what the run has just deleted. Mocked: the sandbox has one database."""
    fill(world, 8)
    old = world.odses[2026].control.documents(RESOURCE)
    for number in (1, 2):
        world.campus.remove(number)
    lists_only(monkeypatch, old)
    result = world.run()
    assert result.counts["sent"]["Delete"] == 2
    assert result.counts["resync found"]["no_source"] == 0


def test_a_replica_that_lags_makes_no_second_post_of_what_this_run_posted(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    fill(world, 4)
    old = world.odses[2026].control.documents(RESOURCE)
    world.campus.add(70, person=5)
    lists_only(monkeypatch, old)
    assert world.run().counts["sent"]["Post"] == 1
    assert world.run().status == "ok"


def test_a_list_that_comes_right_after_a_wait_is_believed(world: World, monkeypatch: pytest.MonkeyPatch):
    fill(world, 4)
    monkeypatch.setattr(reading, "LOOK_AGAIN", 0.0123)
    lists_only(monkeypatch, world.odses[2026].control.documents(RESOURCE)[:3])
    sleep, find, waits = asyncio.sleep, EdFiClient.find, list[float]()

    async def slept(seconds: float, *result: Any) -> None:
        await sleep(seconds, *result)
        waits.append(seconds)

    async def late(client: EdFiClient, resource: str, filters: Any) -> Any:
        return await find(client, resource, filters) if resource != RESOURCE or 0.0123 in waits else []

    monkeypatch.setattr(asyncio, "sleep", slept)
    monkeypatch.setattr(EdFiClient, "find", late)
    with counting_writes(world.odses[2026]) as counted:
        assert world.run(whole_resync=True).status == "ok"
    assert counted == [0]


def lists_only(monkeypatch: pytest.MonkeyPatch, documents: list[dict[str, Any]]) -> None:
    """The collection's pages are of a moment that is past; what is asked for by key is not."""
    whole = EdFiClient.pages

    async def past(client: EdFiClient, resource: str, filters: object = None, **options: int) -> Any:
        if resource == RESOURCE and "at_once" in options:
            yield documents
            return
        async for page in whole(client, resource, filters, **options):
            yield page

    monkeypatch.setattr(EdFiClient, "pages", past)
