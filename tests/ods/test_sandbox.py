"""The client against the sandbox, a strict API that was written apart from it, in every dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from edfi_cte.ods import (
    EdFiClient,
    EdFiConfig,
    KeyChangeRefused,
    MemoryTokenStore,
    NotYetEnrolled,
    PreconditionFailed,
    UnknownDescriptor,
    UnresolvedReference,
    ValidationFailed,
)
from sandbox.ods import serve

RESOURCE = "studentCTEProgramAssociations"
STUDENT = {"studentUniqueId": "900001", "firstName": "Ada", "lastSurname": "Lovelace", "birthDate": "2009-01-01"}


async def associations_through_every_verb(client: EdFiClient) -> None:
    api = await client.discover()
    (district,) = (await client.token_info()).education_organization_ids
    (program,) = await client.find("programs", {"programName": "Career and Technical Education"})
    document: dict[str, Any] = {
        "beginDate": "2025-08-20",
        "educationOrganizationReference": {"educationOrganizationId": district},
        "programReference": {
            "educationOrganizationId": district,
            "programName": program["programName"],
            "programTypeDescriptor": program["programTypeDescriptor"],
        },
        "studentReference": {"studentUniqueId": "900001"},
    }
    assert (await client.upsert("students", STUDENT)).created
    with pytest.raises(NotYetEnrolled):
        await client.upsert(RESOURCE, document)
    await enroll(client)

    made = await client.upsert(RESOURCE, document)
    again = await client.upsert(RESOURCE, document)
    assert made.created
    assert (again.created, again.id, again.etag) == (False, made.id, made.etag)
    # ODS/API 5 and 6 answer 204 to a put that changes the key, and keep the old one.
    key_change = not api.version.startswith(("5.", "6."))
    await refusals(client, document, key_change=key_change, identity=str(made.id))

    read = await client.get(RESOURCE, str(made.id))
    written = await client.put(RESOURCE, str(made.id), {**read, "privateCTEProgram": True}, if_match=read["_etag"])
    with pytest.raises(PreconditionFailed):
        await client.put(RESOURCE, str(made.id), document, if_match=read["_etag"])
    (found,) = await client.find(RESOURCE, {"studentUniqueId": "900001", "privateCTEProgram": True})
    assert (found["id"], found["_etag"]) == (made.id, written.etag)
    assert await client.total_count(RESOURCE) == len([row async for row in client.iterate(RESOURCE)])
    assert await client.delete(RESOURCE, str(made.id)) is True
    assert await client.delete(RESOURCE, str(made.id)) is False


async def enroll(client: EdFiClient) -> None:
    school, *_ = await client.find("schools", {})
    grade, *_ = await client.find("gradeLevelDescriptors", {})
    await client.upsert(
        "studentSchoolAssociations",
        {
            "entryDate": "2025-08-20",
            "schoolReference": {"schoolId": school["schoolId"]},
            "studentReference": {"studentUniqueId": "900001"},
            "entryGradeLevelDescriptor": f"{grade['namespace']}#{grade['codeValue']}",
        },
    )


async def refusals(client: EdFiClient, document: Mapping[str, Any], *, key_change: bool, identity: str) -> None:
    nowhere = {**document, "programReference": {**document["programReference"], "programName": "No Such"}}
    for changed, error in (
        ({**document, "technicalSkillsAssessmentDescriptor": "uri://ed-fi.org/X#None Such"}, UnknownDescriptor),
        (nowhere, UnresolvedReference),
        ({name: value for name, value in document.items() if name != "beginDate"}, ValidationFailed),
        ({**document, "beginDate": "soon"}, ValidationFailed),
    ):
        with pytest.raises(error) as caught:
            await client.upsert(RESOURCE, changed)
        assert type(caught.value) is error
        assert caught.value.properties
        assert "900001" not in str(caught.value)
    if key_change:
        with pytest.raises(KeyChangeRefused):
            await client.put(RESOURCE, identity, {**document, "beginDate": "2025-08-21"})


@pytest.mark.parametrize("api", ["5.3", "6.2", "7.1", "7.3", "dms"])
def test_associations_through_every_verb(api: str) -> None:
    async def run(config: EdFiConfig) -> None:
        async with EdFiClient(config, token_store=MemoryTokenStore()) as client:
            await associations_through_every_verb(client)

    with serve(api=api) as ods:
        asyncio.run(run(EdFiConfig(base_url=ods.base_url, client_id=ods.key, client_secret=ods.secret)))


@pytest.mark.parametrize(
    ("api", "tenants", "path"),
    [("5.3", (), "/data/v3/2026"), ("7.3", ("KS", "MO"), "/MO/2026/data/v3"), ("dms", ("KS", "MO"), "/MO/2026/data")],
)
def test_finds_the_right_years_and_tenants_data(api: str, tenants: tuple[str, ...], path: str) -> None:
    async def run(config: EdFiConfig) -> tuple[str, int]:
        async with EdFiClient(config, token_store=MemoryTokenStore()) as client:
            return (await client.discover()).data_url, await client.total_count("students")

    with serve(api=api, school_years=(2025, 2026), tenants=tenants) as ods:
        config = EdFiConfig(
            base_url=ods.base_url,
            client_id=ods.key,
            client_secret=ods.secret,
            school_year=2026,
            tenant=tenants[-1] if tenants else None,
        )
        data_url, students = asyncio.run(run(config))
    assert data_url == ods.base_url + path
    assert students > 0


@pytest.mark.parametrize("claim_set", ["SIS Vendor", "Ed-Fi Sandbox"])
@pytest.mark.parametrize("api", ["6.2", "7.1", "7.3", "dms"])
def test_what_has_changed_is_told_and_what_is_gone_where_the_api_says(api: str, claim_set: str) -> None:
    async def changes(client: EdFiClient) -> tuple[list[str], list[str] | None, list[str]]:
        await client.upsert("students", STUDENT)
        await enroll(client)
        (program,) = await client.find("programs", {"programName": "Career and Technical Education"})
        (district,) = (await client.token_info()).education_organization_ids
        made = [await client.upsert(RESOURCE, association(district, program, f"2025-09-0{n}")) for n in (1, 2, 3)]
        before = await client.change_versions()
        assert before is not None
        assert before.oldest <= before.newest
        edited = association(district, program, "2025-09-01") | {"endDate": "2026-01-01"}
        await client.put(RESOURCE, str(made[0].id), edited)
        await client.delete(RESOURCE, str(made[1].id))
        since = before.newest + 1
        changed = [row["id"] async for row in client.iterate(RESOURCE, {"minChangeVersion": since})]
        after = await client.change_versions()
        assert after is not None
        assert after.newest > before.newest
        return changed, await client.deleted_ids(RESOURCE, since), [str(item.id) for item in made]

    async def run(config: EdFiConfig) -> None:
        async with EdFiClient(config, token_store=MemoryTokenStore()) as client:
            changed, gone, ids = await changes(client)
            assert changed == [ids[0]]
            assert gone == (None if claim_set == "SIS Vendor" else [ids[1]]), "a SIS key lacks ReadChanges"

    with serve(api=api, claim_set=claim_set) as ods:
        asyncio.run(run(EdFiConfig(base_url=ods.base_url, client_id=ods.key, client_secret=ods.secret)))


def association(district: int, program: Mapping[str, Any], begin_date: str) -> dict[str, Any]:
    return {
        "beginDate": begin_date,
        "educationOrganizationReference": {"educationOrganizationId": district},
        "programReference": {
            "educationOrganizationId": district,
            "programName": program["programName"],
            "programTypeDescriptor": program["programTypeDescriptor"],
        },
        "studentReference": {"studentUniqueId": "900001"},
    }


def test_an_api_whose_root_names_no_change_queries_is_taken_to_have_none() -> None:
    async def run(config: EdFiConfig) -> object:
        async with EdFiClient(config, token_store=MemoryTokenStore()) as client:
            return await client.change_versions()

    with serve(api="5.3") as ods:
        assert (
            asyncio.run(run(EdFiConfig(base_url=ods.base_url, client_id=ods.key, client_secret=ods.secret))) is None
        )
