"""A resync that reads what has changed finds what a whole one would; what it can't see, the weekly whole one does."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest

from edfi_cte.ledger import bulk, runs
from edfi_cte.ods import ChangeVersions, EdFiClient
from edfi_cte.sync import changes
from edfi_cte.sync.changes import BY_CHANGE, LastResync, why_whole
from edfi_cte.sync.report import Report
from sandbox.ods.faults import Fault
from tests.sync.campus import STUDENTS
from tests.sync.ods_seed import EDORG
from tests.sync.world import RESOURCE, World, counting_writes

YEAR = 2026
FOUND_NOTHING = {"not_in_ods": 0, "out_of_reach": 0, "edited": 0, "no_source": 0}


@pytest.fixture(autouse=True)
def no_overlap_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small ODSs here have fewer versions than are read again, which would make every reading a whole one."""
    monkeypatch.setattr(changes, "OVERLAP", 0)


@pytest.fixture
def sent(world: World) -> World:
    for number in range(1, 7):
        world.campus.add(number, person=number)
    world.run()
    # The first run's own posts are new to the second; from the third on a day without changes reads none.
    world.run()
    return world


@pytest.fixture
def told(sent: World) -> Iterator[World]:
    """A key that may ask what was deleted, which a SIS key may not."""
    ods = sent.odses[YEAR]
    rights = {"education_organizations": [EDORG], "namespace_prefixes": ["uri://ed-fi.org"]}
    ods.control.add_client(ods.key, ods.secret, claim_set="Ed-Fi Sandbox", **rights)
    ods.control.revoke_tokens()
    yield sent
    ods.control.add_client(ods.key, ods.secret, claim_set="SIS Vendor", **rights)
    ods.control.revoke_tokens()


def read_by(world: World) -> str:
    """How the last run's resync read."""
    with world.ledger.connect() as connection:
        last = connection.exec_driver_sql("SELECT run_id FROM edfi_cte_run ORDER BY started_at DESC LIMIT 1").scalar()
        left = runs.steps_of(connection, f"039141-{YEAR}", str(last))["resync_identity_mapping"]
    return str(left["resync_identity_mapping"]["read"])


def document_of(world: World, person: int) -> dict[str, Any]:
    documents = world.odses[YEAR].control.documents(RESOURCE)
    return deepcopy(next(d for d in documents if d["studentReference"]["studentUniqueId"] == STUDENTS[person]))


def edit(world: World, person: int, end: str = "2026-01-01") -> None:
    world.odses[YEAR].control.put(RESOURCE, document_of(world, person) | {"endDate": end})


def delete(world: World, person: int) -> None:
    world.odses[YEAR].control.delete(RESOURCE, document_of(world, person)["id"])


def stranger(world: World, day: int = 1) -> None:
    document = document_of(world, 1)
    for name in ("id", "_etag", "_lastModifiedDate"):
        document.pop(name, None)
    world.odses[YEAR].control.put(RESOURCE, document | {"beginDate": f"2025-10-{day:02}"})


def enrollment_of(world: World, person: int) -> dict[str, Any] | None:
    found = world.odses[YEAR].control.documents("studentSchoolAssociations")
    return next((d for d in found if d["studentReference"]["studentUniqueId"] == STUDENTS[person]), None)


def leave(world: World, person: int) -> dict[str, Any]:
    """The student's enrollment goes: their records are out of the key's reach."""
    enrolled = enrollment_of(world, person)
    assert enrolled is not None
    world.odses[YEAR].control.delete("studentSchoolAssociations", enrolled["id"])
    return {name: value for name, value in enrolled.items() if name not in ("id", "_etag", "_lastModifiedDate")}


def come_back(world: World, enrolled: dict[str, Any]) -> None:
    world.odses[YEAR].control.put("studentSchoolAssociations", enrolled)


def set_state(world: World, **values: Any) -> None:
    """What the last resync has left, as it would be after another past."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    with world.ledger.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE edfi_cte_resync SET {columns} WHERE target_id = :target", {"target": f"039141-{YEAR}", **values}
        )


def a_week_passes(world: World) -> None:
    set_state(world, whole_at=str(bulk.now() - timedelta(days=8)))


def whole_run_finds_nothing(world: World) -> None:
    found = world.run(whole_resync=True).counts["resync found"]
    assert read_by(world) == "all, since the run was triggered for it"
    assert {name: found[name] for name in FOUND_NOTHING} == FOUND_NOTHING


def test_a_day_without_changes_reads_no_record(sent: World):
    sent.odses[YEAR].control.clear_log()
    result = sent.run()
    assert read_by(sent) == BY_CHANGE
    assert result.counts["resync found"] == {"in_ods": 6, **FOUND_NOTHING}
    ours = [r for r in sent.odses[YEAR].control.requests() if RESOURCE in r.path and "programType" in r.parameters]
    assert [(r.method, "minChangeVersion" in r.parameters) for r in ours] == [("GET", True), ("GET", False)]


def test_an_edit_is_found_and_put_right(sent: World):
    edit(sent, 2)
    assert sent.run().counts["resync found"]["edited"] == 1
    assert read_by(sent) == BY_CHANGE
    assert sent.there() == sent.expected()
    whole_run_finds_nothing(sent)


def test_a_stranger_is_found_and_deleted(sent: World):
    stranger(sent)
    assert sent.run().counts["resync found"]["no_source"] == 1
    assert read_by(sent) == BY_CHANGE
    assert sent.there() == sent.expected()


def test_what_was_deleted_is_found_where_the_key_may_ask(told: World):
    delete(told, 2)
    delete(told, 3)
    edit(told, 4)
    found = told.run().counts["resync found"]
    assert (found["not_in_ods"], found["edited"]) == (2, 1)
    assert read_by(told) == BY_CHANGE
    assert told.there() == told.expected()


def test_what_was_deleted_is_missed_by_the_count_and_found_by_a_whole_reading(sent: World):
    delete(sent, 2)
    assert sent.run().counts["resync found"]["not_in_ods"] == 1
    assert read_by(sent) == "all, since 1 records are missing, and the API does not say which"
    assert sent.there() == sent.expected()


def test_a_record_that_came_back_under_another_id_is_read_whole(told: World):
    document = document_of(told, 2)
    delete(told, 2)
    told.odses[YEAR].control.put(
        RESOURCE, {n: v for n, v in document.items() if n not in ("id", "_etag", "_lastModifiedDate")}
    )
    told.run()
    assert read_by(told) == "all, since a record that was ours has come back under another id"
    assert told.there() == told.expected()
    whole_run_finds_nothing(told)


SHOWN_AGAIN = "all, since of the records that were out of reach 1 are so no more"


def test_a_student_who_leaves_and_comes_back_is_seen(sent: World):
    enrolled = leave(sent, 2)
    assert sent.run().counts["resync found"]["out_of_reach"] == 1
    sent.run()
    assert read_by(sent) == BY_CHANGE, "what is out of reach is known, and missed no more"
    come_back(sent, enrolled)
    sent.run()
    assert read_by(sent) == SHOWN_AGAIN
    assert sent.kept() == {}
    sent.run()
    assert read_by(sent) == BY_CHANGE


@pytest.mark.parametrize("versions", [0, 500], ids=["its version is old", "its version is read again"])
def test_what_is_deleted_after_its_student_came_back_is_posted(
    sent: World, monkeypatch: pytest.MonkeyPatch, versions: int
):
    monkeypatch.setattr(changes, "OVERLAP", versions)
    enrolled = leave(sent, 2)
    sent.run()
    come_back(sent, enrolled)
    sent.run()
    assert sent.kept() == {}
    delete(sent, 2)
    assert sent.run().counts["resync found"]["not_in_ods"] == 1
    assert sent.there() == sent.expected()


def test_a_record_that_the_state_deletes_out_of_reach_is_kept_no_more(sent: World):
    enrolled = leave(sent, 2)
    sent.run()
    delete(sent, 2)
    sent.run()
    assert sent.kept() == {}
    come_back(sent, enrolled)
    sent.run()
    assert sent.there() == sent.expected()


def test_what_failed_to_be_put_right_is_found_again(sent: World):
    edit(sent, 2)
    with sent.odses[YEAR].control.faults(Fault("status", method="PUT", path=RESOURCE, status=400)):
        assert sent.run().counts["failed"] == 1
    assert sent.there() != sent.expected()
    assert sent.run().counts["resync found"]["edited"] == 1
    assert read_by(sent) == BY_CHANGE
    assert sent.there() == sent.expected()
    whole_run_finds_nothing(sent)


def test_the_reasons_to_read_all(sent: World):
    sent.run(whole_resync=True)
    assert read_by(sent) == "all, since the run was triggered for it"
    a_week_passes(sent)
    sent.run()
    assert read_by(sent) == "all, since the last whole reading is 7 days old"
    set_state(sent, newest_version=10**9)
    edit(sent, 3)
    assert sent.run().counts["resync found"]["edited"] == 1
    assert read_by(sent) == "all, since the API's change versions are lower than before"
    sent.run()
    assert read_by(sent) == BY_CHANGE


LAST = LastResync("https://a", "scope", datetime(2026, 1, 1), 100, 120)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("last", "versions", "changed", "why"),
    [
        (LAST, (0, 130), {}, None),
        (LAST, (100, 120), {}, None),
        (None, (0, 130), {}, "no earlier resync"),
        (LAST, None, {}, "no change queries"),
        (LAST, (0, 130), {"data_url": "https://b"}, "address has changed"),
        (LAST, (0, 130), {"scope": "other"}, "another education organization"),
        (LAST, (0, 130), {"now": datetime(2026, 1, 8)}, "7 days old"),  # noqa: DTZ001
        (LAST, (0, 130), {"now": datetime(2025, 12, 31)}, "7 days old"),  # noqa: DTZ001
        (LAST, (0, 119), {}, "lower than before"),
        (LAST, (101, 130), {}, "changes that old"),
    ],
)
def test_when_the_changes_would_not_do(
    last: LastResync | None, versions: tuple[int, int] | None, changed: dict[str, Any], why: str | None
):
    usual = {"data_url": "https://a", "scope": "scope", "days": 7, "now": datetime(2026, 1, 7)}  # noqa: DTZ001
    said = why_whole(last, ChangeVersions(*versions) if versions else None, **usual | changed)
    assert (said is None) if why is None else (said is not None and why in said)


# What it can't see, and the whole reading that does


def weekly_reading_finds(world: World, name: str) -> None:
    world.run()
    assert read_by(world) == BY_CHANGE
    assert world.there() != world.expected() or name == "out_of_reach"
    a_week_passes(world)
    assert world.run().counts["resync found"][name] == 1
    assert world.there() == world.expected() or name == "out_of_reach"


def test_a_value_that_changes_without_its_version_is_found_by_the_whole_reading(sent: World):
    """As a commit that appears below the window: the version is not above those that were read."""
    edit(sent, 2)
    set_state(sent, earlier_version=10**6, newest_version=newest(sent))
    weekly_reading_finds(sent, "edited")


def newest(world: World) -> int:
    async def ask(client: EdFiClient) -> int:
        async with client:
            versions = await client.change_versions()
            assert versions is not None
            return versions.newest

    import asyncio

    return asyncio.run(ask(world.lane().open_ods()))


def test_a_delete_beside_a_stranger_that_comes_into_reach_is_found_by_the_whole_reading(sent: World):
    """The count is as before, and no run has seen the stranger."""
    enrolled = leave(sent, 7)
    unseen = document_of(sent, 1) | {"studentReference": {"studentUniqueId": STUDENTS[7]}}
    own = ("id", "_etag", "_lastModifiedDate")
    sent.odses[YEAR].control.put(RESOURCE, {name: value for name, value in unseen.items() if name not in own})
    sent.run()
    come_back(sent, enrolled)
    delete(sent, 3)
    set_state(sent, earlier_version=10**6, newest_version=newest(sent))
    weekly_reading_finds(sent, "not_in_ods")


def test_a_delete_beside_a_record_that_comes_into_reach_is_found(sent: World):
    """The count of the ODS's records is as before."""
    enrolled = leave(sent, 2)
    sent.run()
    come_back(sent, enrolled)
    delete(sent, 3)
    assert sent.run().counts["resync found"]["not_in_ods"] == 1
    assert read_by(sent) == SHOWN_AGAIN
    assert sent.there() == sent.expected()


def test_a_replica_that_lags_is_read_again_by_the_next_run(sent: World, monkeypatch: pytest.MonkeyPatch):
    edit(sent, 2)
    with monkeypatch.context() as patch:
        patch.setattr(EdFiClient, "pages", before_the_edit(EdFiClient.pages))
        sent.run()
        assert read_by(sent) == BY_CHANGE
    assert sent.there() != sent.expected()
    assert sent.run().counts["resync found"]["edited"] == 1
    assert sent.there() == sent.expected()


def before_the_edit(pages: Callable[..., Any]) -> Callable[..., Any]:
    """A replica that has not yet seen what changed last."""

    async def stale(self: EdFiClient, resource: str, filters: Any = None, **more: Any) -> AsyncGenerator[Any, None]:
        if "minChangeVersion" not in (filters or {}):
            async for page in pages(self, resource, filters, **more):
                yield page

    return stale


# Against whole readings, at random


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_at_random_what_a_whole_reading_would(told: World, seed: int):
    chosen = random.Random(seed)  # noqa: S311
    away: list[dict[str, Any]] = []
    for turn in range(5):
        for _ in range(chosen.randint(1, 3)):
            disturb(told, chosen, away, turn)
        result: Report = told.run()
        assert result.status == "ok"
        with counting_writes(told.odses[YEAR]) as writes:
            found = told.run(whole_resync=True).counts["resync found"]
        seen = {name: found[name] for name in ("not_in_ods", "edited", "no_source")}
        assert (writes, seen) == ([0], dict.fromkeys(seen, 0)), (seed, turn)


def disturb(world: World, chosen: random.Random, away: list[dict[str, Any]], turn: int) -> None:
    """Something that happens to an ODS or a Campus between two runs."""
    there = [p for p in range(1, 7) if enrollment_of(world, p) and any_of(world, p)]
    person = chosen.choice(there)
    what = chosen.choice(["edit", "edit", "delete", "stranger", "leave", "come back", "campus", "reset"])
    if what == "edit":
        edit(world, person, f"2026-02-{chosen.randint(1, 28):02}")
    elif what == "delete" and not away and len(there) > 3:
        delete(world, person)
    elif what == "stranger" and turn < 2:
        stranger(world, chosen.randint(1, 2))
    elif what == "leave" and person != 1 and len(there) > 4:
        away.append(leave(world, person))
    elif what == "come back" and away:
        come_back(world, away.pop())
    elif what == "campus":
        world.campus.set("EnrollmentMO", person, careerCluster=str(chosen.randint(1, 16)))
    elif what == "reset":
        set_state(world, newest_version=10**9)


def any_of(world: World, person: int) -> bool:
    documents = world.odses[YEAR].control.documents(RESOURCE)
    return any(d["studentReference"]["studentUniqueId"] == STUDENTS[person] for d in documents)
