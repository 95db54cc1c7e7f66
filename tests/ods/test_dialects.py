"""The whole client against every API in service: the same calls, the same results; and every refusal they know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from edfi_cte.ods import (
    AuthenticationFailed,
    EdFiClient,
    EdFiError,
    MemoryTokenStore,
    NotFound,
    PreconditionFailed,
    TokenInfo,
    TooManyTokens,
)
from tests.ods.dialects import CORRELATION_ID, DATA_STANDARDS, DIALECTS
from tests.ods.fake_api import KEY, FakeApi, with_client
from tests.ods.faults import answers
from tests.ods.refusals import REFUSALS, STUDENT, Refusal


@pytest.fixture(params=list(DIALECTS))
def api(request: pytest.FixtureRequest) -> Iterator[FakeApi]:
    with FakeApi(DIALECTS[request.param]) as api:
        yield api


def test_discovers_version_data_standard_and_addresses(api: FakeApi) -> None:
    info = with_client(api, lambda client: client.discover())

    assert (info.version, info.data_standard) == (api.dialect.version, DATA_STANDARDS[api.dialect.name])
    assert info.extensions == {"TPDM": "1.1.0"}
    assert info.data_url == api.base_url + api.dialect.data_path
    assert info.token_url == api.base_url + "/oauth/token"
    assert (info.change_queries_url is None) == (api.dialect.name == "5.3")
    assert info.is_dms == (api.dialect.name == "dms")
    assert info.capabilities.cursor_paging == api.dialect.cursor


def test_tells_whose_token_it_is(api: FakeApi) -> None:
    info = with_client(api, lambda client: client.token_info())

    claim_set = "SIS Vendor" if api.dialect.name == "7.3" else None
    assert info == TokenInfo(True, KEY, (39141, 39142), ("uri://ed-fi.org",), claim_set)


def test_tells_it_though_the_shared_token_was_revoked(api: FakeApi) -> None:
    store = MemoryTokenStore()
    with_client(api, lambda client: client.upsert("students", {}), store=store)
    api.revoke_tokens()

    assert with_client(api, lambda client: client.token_info(), store=store).active
    assert api.token_requests == 2


def test_writes_an_item_through_all_verbs(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> None:
        document = {"studentUniqueId": "604822", "firstName": "Ada", "id": "left over", "_etag": "1"}
        first = await client.upsert("students", document)
        again = await client.upsert("students", {**document, "firstName": "Eve"})
        assert (first.status, first.created, again.status, again.created) == (201, True, 200, False)
        assert first.id is not None
        assert first.id == again.id
        assert "/" not in first.id, "the Location names a host behind the proxy: only its end counts"
        assert first.etag
        assert '"' not in first.etag

        read = await client.get("students", first.id)
        assert (read["firstName"], read["id"]) == ("Eve", first.id)

        written = await client.put("students", first.id, {**read, "firstName": "Joan"}, if_match=read["_etag"])
        assert (written.status, written.id) == (204, first.id)
        with pytest.raises(PreconditionFailed):
            await client.put("students", first.id, read, if_match=read["_etag"])
        with pytest.raises(PreconditionFailed):
            await client.delete("students", first.id, if_match=read["_etag"])

        assert await client.delete("students", first.id, if_match=written.etag) is True
        assert await client.delete("students", first.id) is False
        with pytest.raises(NotFound):
            await client.get("students", first.id)

    with_client(api, work)
    assert api.token_requests == 1


@pytest.mark.parametrize(
    "text", [b'{"studentUniqueId":"1","x":{"id":"inner"}}', b' { "studentUniqueId" : "1" } ', b"{}"]
)
def test_puts_a_finished_text_with_the_id_where_it_must_hold_one(api: FakeApi, text: bytes) -> None:
    identity = api.put_item("students", {"studentUniqueId": "1"})

    with_client(api, lambda client: client.put("students", identity, text))

    sent = api.data_requests("PUT")[0].body
    assert (f'"id":"{identity}"'.encode() in sent.replace(b" ", b"")) == api.dialect.put_needs_id
    assert api.dialect.put_needs_id or sent == text


def test_reads_and_counts_a_collection(api: FakeApi) -> None:
    api.add("students", 1234)

    async def work(client: EdFiClient) -> tuple[list[str], int]:
        return [row["id"] async for row in client.iterate("students")], await client.total_count("students")

    ids, count = with_client(api, work)
    assert (len(ids), count) == (1234, 1234)
    assert set(ids) == set(api.items["students"])
    pages = [seen.query for seen in api.data_requests("GET") if "limit" in seen.query or "pageSize" in seen.query]
    assert all("pageToken" in query for query in pages[1:-1]) == api.dialect.cursor


def test_finds_by_example_with_every_character_escaped(api: FakeApi) -> None:
    descriptor = "uri://ed-fi.org/X#Arts, A/V + Technology & Communications"
    wanted = api.put_item("programs", {"programTypeDescriptor": descriptor, "n": 1})
    api.put_item("programs", {"programTypeDescriptor": "uri://ed-fi.org/X#Other", "n": 2})

    rows = with_client(api, lambda client: client.find("programs", {"programTypeDescriptor": descriptor}))

    assert [row["id"] for row in rows] == [wanted]
    query = api.data_requests()[0].raw_path.partition("?")[2]
    assert "Arts%2C%20A%2FV%20%2B%20Technology%20%26%20Communications" in query, "no server takes a plus amiss"


def test_a_wrong_secret_means_the_same_everywhere(api: FakeApi) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        with_client(api, lambda client: client.total_count("students"), client_secret="notTheSecret")

    assert caught.value.status == api.dialect.wrong_secret
    assert caught.value.systemic
    assert "key and secret" in caught.value.advice
    assert "notTheSecret" not in str(caught.value)
    assert api.token_requests == 1
    assert api.data_requests() == []


def test_waits_for_a_place_among_the_live_tokens() -> None:
    with FakeApi(DIALECTS["7.3"], max_live_tokens=0) as api, pytest.raises(TooManyTokens) as caught:
        with_client(api, lambda client: client.total_count("students"), token_wait=300)

    assert caught.value.status == 429
    assert caught.value.correlation_id == CORRELATION_ID


@pytest.mark.parametrize(
    ("refusal", "dialect"),
    [
        pytest.param(refusal, dialect, id=f"{dialect}-{refusal.method}-{refusal.case}-{refusal.status}")
        for refusal in REFUSALS
        for dialect in refusal.dialects
    ],
)
def test_every_refusal_has_its_error(refusal: Refusal, dialect: str) -> None:
    document = {
        "studentUniqueId": STUDENT,
        "educationOrganizationReference": {"educationOrganizationId": "Zebulon"},
        # What the servers quote of it may be repeated: a code list's value.
        "programTypeDescriptor": refusal.says.strip("'") if refusal.says.startswith("'uri://") else None,
    }

    async def work(client: EdFiClient) -> Any:
        match refusal.method:
            case "POST":
                return await client.upsert("things", document)
            case "PUT":
                return await client.put("things", "a" * 32, document)
            case "DELETE":
                return await client.delete("things", "a" * 32)
            case "GET" if "limit" in refusal.case or "parameter" in refusal.case:
                return await client.find("things", {"studentUniqueId": STUDENT})
        return await client.get("things", "a" * 32)

    with FakeApi(DIALECTS[dialect]) as api:
        api.faults = [answers(refusal.status, refusal.body)] * 100
        with pytest.raises(EdFiError) as caught:
            with_client(api, work, tries=2)

    error = caught.value
    assert type(error) is refusal.error
    assert (error.status, error.systemic, error.properties) == (refusal.status, refusal.systemic, refusal.properties)
    assert error.meanings == (refusal.meanings or refusal.error.default_meanings)
    assert error.advice.startswith(refusal.error.default_advice)
    assert ("the API does not say" in error.advice) == (len(error.meanings) > 1)
    if isinstance(refusal.body, dict):
        assert error.correlation_id == refusal.body.get("correlationId")
    assert refusal.says in str(error)
    assert error.advice
    for private in (STUDENT, "Zebulon", "39141", "2026-08-20"):
        assert private not in str(error)
    assert not re.search(r"\d{4}", error.message)
