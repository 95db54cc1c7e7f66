"""What a check says where it can't see everything, and where what it sees is wrong."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import sqlalchemy as sa

from edfi_cte.ledger import bulk
from edfi_cte.ods import EdFiConfig
from edfi_cte.ods.discovery import api_info
from edfi_cte.ods.message import Answer, Request
from edfi_cte.sync.checks import check_clock, check_ledger_rights, check_ods, data_standard_of
from edfi_cte.sync.checks.findings import Finding, Level
from tests.sync.ods_seed import EDORG
from tests.sync.world import RESOURCE, World

Between = Callable[[Callable[[Request, Answer], Answer]], None]
PROBLEM = "urn:ed-fi:api:"


def found(world: World, check: Any = None) -> dict[tuple[str, str], str]:
    """The findings on the ODS: what was said, by level and subject."""

    async def look() -> list[Finding]:
        lane = world.lane()
        async with lane.open_ods() as client:
            said = check_clock(client) if check is check_clock else check_ods(lane, client)
            return [finding async for finding in said]

    return {(str(finding.level), finding.subject): finding.message for finding in asyncio.run(look())}


def refusing(path: str, status: int, kind: str) -> Callable[[Request, Answer], Answer]:
    body = json.dumps({"type": PROBLEM + kind, "detail": "…", "status": status}).encode()
    return lambda request, answer: Answer(status, {}, body) if request.url.path.endswith(path) else answer


def test_a_good_ods_has_no_error(world: World):
    assert {level for level, _ in found(world)} == {Level.OK}


def test_an_ods_that_does_not_say_whose_the_token_is(world: World, between: Between):
    between(refusing("token_info", 404, "not-found"))
    said = found(world)
    assert "does not say what the token is for" in said["warning", "education organization"]


def test_a_key_of_another_district(world: World, between: Between):
    def tamper(request: Request, answer: Answer) -> Answer:
        if not request.url.path.endswith("token_info"):
            return answer
        body = json.loads(answer.body) | {"education_organizations": [{"education_organization_id": 55555}]}
        return answer._replace(body=json.dumps(body).encode())

    between(tamper)
    assert f"is for 55555, not for {EDORG}" in found(world)["error", "education organization"]


@pytest.mark.parametrize("many", [5, 6])
def test_a_key_of_others_is_told_by_five_of_them(world: World, between: Between, many: int):
    def tamper(request: Request, answer: Answer) -> Answer:
        if not request.url.path.endswith("token_info"):
            return answer
        granted = [{"education_organization_id": number} for number in range(many, 0, -1)]
        return answer._replace(body=json.dumps({"active": True, "education_organizations": granted}).encode())

    between(tamper)
    assert f"is for 1, 2, 3, 4, 5, not for {EDORG}." in found(world)["error", "education organization"]


def test_a_key_that_may_not_read_districts_is_taken_on_trust(world: World, between: Between):
    between(refusing("localEducationAgencies", 403, "security:authorization:access-denied:resource"))
    assert f"not checked that {EDORG}" in found(world)["warning", "education organization"]


def test_a_district_that_the_ods_lacks(world: World, between: Between):
    between(
        lambda request, answer: (
            Answer(200, {"Total-Count": "0"}, b"[]")
            if request.url.path.endswith("localEducationAgencies")
            else answer
        )
    )
    assert f"no local education agency {EDORG}" in found(world)["error", "education organization"]


def test_a_key_that_may_not_read_the_associations(world: World, between: Between):
    between(refusing(RESOURCE, 403, "security:authorization:access-denied:action"))
    assert f"may not read {RESOURCE}" in found(world)["error", "rights"]


def test_a_program_type_that_the_ods_lacks(world: World):
    world.settings["preferences"]["default"] = {"program_type_descriptor": "uri://ed-fi.org/ProgramTypeDescriptor#X"}
    assert "has no program type 'uri://ed-fi.org/ProgramTypeDescriptor#X'" in found(world)["error", "descriptors"]


def test_an_outage_is_an_error_that_may_pass(world: World, between: Between):
    between(lambda _request, _answer: Answer(503, {}, b""))

    async def look() -> list[Finding]:
        lane = world.lane()
        async with lane.open_ods() as client:
            return [finding async for finding in check_ods(lane, client)]

    [finding] = asyncio.run(look())
    assert (finding.level, finding.transient) == (Level.ERROR, True)


@pytest.mark.parametrize(
    ("date", "level"),
    [
        (timedelta(seconds=3), "ok"),
        (timedelta(hours=-1), "warning"),
        ("Thu, 01 Jan 2015 00:00:00 -0000", "warning"),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_clocks_are_compared_where_the_ods_tells_its_own(
    world: World, between: Between, date: timedelta | str | None, level: str | None
):
    if isinstance(date, timedelta):
        date = format_datetime(datetime.now(UTC) + date, usegmt=True)

    def tamper(request: Request, answer: Answer) -> Answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() != "date"}
        return answer._replace(headers=kept if date is None else kept | {"Date": date})

    between(tamper)
    assert list(found(world, check_clock)) == ([] if level is None else [(level, "clock")])


def test_a_ledger_that_may_only_be_read(world: World):
    lane = world.lane()
    lane.ledger = sa.create_engine(f"sqlite:///file:{world.ledger.url.database}?mode=ro&uri=true")
    [finding] = check_ledger_rights(lane)
    assert finding.level == Level.ERROR
    assert "may not write: OperationalError. Grant it INSERT, UPDATE, DELETE." in finding.message


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (59, Level.OK), (3600, Level.WARNING)])
def test_a_ledger_whose_clock_is_off(world: World, monkeypatch: pytest.MonkeyPatch, seconds: int, level: Level):
    now = bulk.now
    monkeypatch.setattr(bulk, "now", lambda: now() + timedelta(seconds=seconds))
    [finding] = check_ledger_rights(world.lane())
    assert finding.level == level
    if level == Level.WARNING:
        assert "is 3600 s off" in finding.message or "is 3599 s off" in finding.message
    assert world.in_ledger("SELECT COUNT(*) FROM edfi_cte_target WHERE target_id = 'rights'") == [(0,)]


@pytest.mark.parametrize(
    ("told", "standard"),
    [("5.2.0", (5, 2)), ("3.3.1-b", (3, 3)), ("4.0", (4, 0)), ("10.11.0", (10, 11)), ("", (3, 3)), ("v5", (3, 3))],
)
def test_the_data_standard_is_what_the_api_tells_or_else_the_oldest(told: str, standard: tuple[int, int]):
    config = EdFiConfig(base_url="https://a.example.gov", client_id="key", client_secret="secret")
    models = [{"name": "Ed-Fi", "version": told}]
    document = {"urls": {"dataManagementApi": "https://a.example.gov/data/v3"}, "dataModels": models}
    assert data_standard_of(api_info(document, config)) == standard
