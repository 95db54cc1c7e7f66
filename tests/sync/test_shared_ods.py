"""Two targets never write to one ODS: each would delete the other's records."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import addresses, forgetting, lasting
from edfi_cte.lines import in_lines
from edfi_cte.ods import EdFiClient, EdFiConfig
from edfi_cte.ods.message import Answer, Request
from edfi_cte.sync.checks.addresses import check_address
from edfi_cte.sync.lane import SENDING_STEPS, STEP_NAMES, Lane, StepFailed
from edfi_cte.sync.steps import run_step
from sandbox.ods import serve
from sandbox.ods.faults import Fault
from tests.sync.campus import STUDENTS
from tests.sync.ods_seed import EDORG, seed
from tests.sync.world import RESOURCE, World, counting_writes


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
    assert "to which 039141-2026 sends its records" in str(refused.value)
    world.odses[2026].control.reset()
    world.settings["targets"] = [t for t in world.settings["targets"] if t["scope_year"] == 2025]
    forgetting.forget(world.ledger, str(refused.value).rpartition("edfi-cte forget ")[2])
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


def test_two_targets_on_their_first_run_do_not_share_an_address(world: World):
    """Neither has a record yet: without the claim each would take the other's for records without a source."""
    for number in range(1, 9):
        world.campus.add(number, year=2026 if number > 4 else 2025, person=number % 4 + 1)
    world.odses = {2025: world.odses[2026], 2026: world.odses[2026]}
    lanes = [world.lane(year) for year in (2025, 2026)]
    run_step(lanes[0], "preflight")
    with pytest.raises(StepFailed, match="to which 039141-2025 sends its records"):
        run_step(lanes[1], "preflight")


def test_a_target_that_claims_the_address_during_preflight_is_met_in_time(
    world: World, between: Callable[[Callable[[Request, Answer], Answer]], None]
):

    def quicker(request: Request, answer: Answer) -> Answer:
        if request.url.path.endswith("token_info"):
            with world.ledger.begin() as connection:
                addresses.claim(connection, "039141-2025", f"{world.odses[2026].base_url}/data/v3", EDORG)
        return answer

    between(quicker)
    with pytest.raises(StepFailed, match="to which 039141-2025 sends its records"):
        run_step(world.lane(), "preflight")
    assert world.in_ledger("SELECT data_standard FROM edfi_cte_target WHERE data_standard IS NOT NULL") == []


def test_of_two_that_claim_at_once_one_is_refused(world: World):
    address = "https://ods.example/data/v3"
    with world.ledger.begin() as first:
        assert addresses.claim(first, "a", address, 39141) is None
        assert addresses.claim(first, "b", f"{address.upper()}/", 39141) == "a"
        assert addresses.claim(first, "c", address, 55555) is None
    row = {"target_id": "d", "address": "", "claimed_at": sa.func.now(), "education_organization_id": 39141}
    insert = sa.insert(addresses.table).values(row | {"address_id": addresses.address_id(address)})
    with world.ledger.begin() as second, pytest.raises(sa.exc.IntegrityError):
        second.execute(insert)


def test_an_address_is_taken_from_a_target_of_the_same_district_alone(world: World):
    address = "https://ods.example/data/v3"
    with world.ledger.begin() as connection:
        assert addresses.claim(connection, "a", address, 39141) is None
        addresses.release_unused(connection, address, 55555, "b")
        assert addresses.holder(connection, address, 39141) == "a"
        addresses.release_unused(connection, address, 39141, "a")
        assert addresses.holder(connection, address, 39141) == "a", "its own"
        addresses.release_unused(connection, address, 39141, "b")
        assert addresses.holder(connection, address, 39141) is None


def test_what_was_known_of_another_address_is_past_once_nothing_of_it_is_mapped(world: World):
    """A stranger that waited there, and a post there whose answer was lost."""
    first, other = world.odses[2026], world.odses[2025]
    world.campus.add(1)
    world.run()
    [stranger] = first.control.documents(RESOURCE)
    world.campus.set("Enrollment", 1, noShow=True)
    assert world.run().counts["sent"]["Delete"] == 1
    world.lose_ledger()
    own = {k: v for k, v in stranger.items() if k not in ("id", "_etag", "_lastModifiedDate")}
    first.control.put(RESOURCE, own | {"beginDate": "2025-12-01"})
    world.run()
    assert world.kept() == {("waiting", "first_contact"): 1}
    world.campus.set("Enrollment", 1, noShow=None)
    with first.control.faults(Fault("drop", method="POST", path=RESOURCE, when="after")):
        world.run(resync=False)
    doubts = "SELECT COUNT(*) FROM edfi_cte_event WHERE in_doubt"
    assert world.in_ledger(doubts) == [(1,)]
    with world.ledger.begin() as connection:
        lasting.save(connection, world.lane().target_id, {"k" * 32: {"p": "-"}}, remembered=True)
    world.odses = {2025: first, 2026: other}
    run_step(world.lane(run_id="elsewhere"), "preflight")
    assert world.in_ledger(doubts) == [(0,)]
    assert world.kept() == {}
    assert world.in_ledger("SELECT COUNT(*) FROM edfi_cte_difference") == [(0,)]
    [(known_since,)] = world.in_ledger("SELECT known_since FROM edfi_cte_target")
    assert known_since is None
    assert world.run(run_id="elsewhere").counts["sent"]["Post"] == 1
    assert world.there() == world.expected() != {}


@pytest.mark.parametrize("same", [True, False])
def test_a_connection_that_leads_elsewhere_stops_until_a_person_says_which_it_is(world: World, same: bool):
    """Without the claim the ledger would be in step with an ODS that holds nothing."""
    world.campus.add(1)
    world.run(2026)
    first, other = world.odses[2026], world.odses[2025]
    world.odses = {2025: first, 2026: other}
    with counting_writes(other) as counted, pytest.raises(StepFailed, match="leads to") as refused:
        world.run(2026)
    assert counted == [0]
    said = str(refused.value).split("database: ")[1]
    same_ods, another = said.split(" If it is another ODS, to be filled again, run: edfi-cte forget ")
    if same:
        with world.ledger.begin() as connection:
            connection.execute(sa.text(same_ods))
    else:
        forgetting.forget(world.ledger, another)
    result = world.run(2026)
    assert result.status == "ok"
    assert result.counts["sent"]["Post"] == 1
    assert result.counts["resync found"]["not_in_ods"] == (1 if same else 0)
    assert world.there(2026) == world.expected(2026)


@pytest.mark.parametrize("step", sorted(SENDING_STEPS))
def test_a_connection_that_leads_elsewhere_since_the_runs_preflight_is_not_sent_to(world: World, step: str):
    """A cleared task, or a retry, finds the connection edited: the plan is another ODS's."""
    for number in (1, 2):
        world.campus.add(number, person=number)
    world.run(2026)
    world.campus.remove(1)
    world.campus.add(3, person=3)
    first, other = world.odses[2026], world.odses[2025]
    edit_by_hand(world)
    world.do("half", *STEP_NAMES[: STEP_NAMES.index(step)])
    before = world.there(2026)
    world.odses = {2025: first, 2026: other}
    with counting_writes(other) as counted, pytest.raises(StepFailed) as refused:
        world.do("half", step)
    assert counted == [0]
    assert "leads to" in str(refused.value)
    assert "since" in str(refused.value)
    world.odses = {2025: other, 2026: first}
    assert world.there(2026) == before
    world.do("half", *STEP_NAMES[STEP_NAMES.index(step) :])
    assert world.report("half").status == "ok"
    assert world.there(2026) == world.expected(2026)


def edit_by_hand(world: World) -> None:
    """The resync has something to put right."""
    control = world.odses[2026].control
    [document] = [d for d in control.documents(RESOURCE) if d["studentReference"]["studentUniqueId"] == STUDENTS[2]]
    own = {name: value for name, value in document.items() if name not in ("id", "_etag", "_lastModifiedDate")}
    control.put(RESOURCE, own | {"endDate": "2026-02-02"})


@pytest.mark.parametrize("edorg", [None, EDORG], ids=["its number is its id", "its id stays"])
def test_a_district_renamed_together_with_its_connection_is_refused(world: World, edorg: int | None):
    world.campus.add(1)
    world.run(2026)
    world.settings["targets"] = [t for t in world.settings["targets"] if t["scope_year"] == 2026]
    world.settings["targets"][0] |= {"education_organization_id": edorg, "district_number": "039142"}
    world.settings["targets"][0]["edfi_conn_id"] = "edfi_renamed"
    address = world.in_ledger("SELECT address FROM edfi_cte_address_claim")[0][0]
    findings = [str(finding) for finding in check_address(world.lane(2026), address)]
    assert "records of 039141-2026, which the settings no longer name" in findings[0]


def test_what_is_wrong_with_an_address_is_said_before_the_address_which_may_be_long(world: World):
    world.campus.add(1)
    world.run(2026)
    address = f"https://{'ods-of-the-department-of-education.' * 3}example/districts/039141/2026"
    [finding] = check_address(world.lane(2026), address)
    first = next(in_lines(f"039141-2026: {finding}"))
    assert "leads to another address than the one that the" in first
    assert address in finding.message
