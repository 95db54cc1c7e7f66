"""What something between here and the API says decides nothing: it is an outage, in every dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edfi_cte.ods import AuthorizationDenied, EdFiClient, EdFiError, MalformedAnswer, NotFound, NotTheApi, WrongRoute
from edfi_cte.ods.message import Answer
from edfi_cte.ods.tokens import _grant_of
from edfi_cte.ods.values import item_id, whole_number
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import FakeApi, Fault, with_client
from tests.ods.faults import answers, problem

PAGE = b"<!DOCTYPE html><html>Access denied, reference 604822</html>"
ID = "a" * 32
PROBLEMS = [name for name, dialect in DIALECTS.items() if dialect.problems]
VERBS: dict[str, Callable[[EdFiClient], Any]] = {
    "POST": lambda client: client.upsert("students", {"studentUniqueId": "604822"}),
    "PUT": lambda client: client.put("students", ID, {"studentUniqueId": "604822"}),
    "DELETE": lambda client: client.delete("students", ID),
    "GET": lambda client: client.get("students", ID),
}


def refused(api: FakeApi, verb: str, *faults: Fault, tries: int = 2) -> EdFiError:
    api.fail(*faults)
    with pytest.raises(EdFiError) as caught:
        with_client(api, VERBS[verb], tries=tries)
    assert "604822" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.parametrize("verb", list(VERBS))
@pytest.mark.parametrize("status", [400, 403, 405, 407, 409, 410, 412, 451])
def test_a_gateways_page_is_an_outage_whatever_its_status(dialect: str, verb: str, status: int) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        error = refused(api, verb, *[answers(status, PAGE)] * 2)
        asked = len(api.data_requests())
    assert type(error) is NotTheApi
    assert error.systemic
    assert error.status == status
    assert error.outcome_unknown is (verb != "GET"), "the API may have carried it out behind the gateway"
    assert asked == 2, "asked again, as in any outage"


@pytest.mark.parametrize("dialect", PROBLEMS)
def test_an_empty_404_is_an_outage_where_the_api_never_answers_so(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        if dialect == "dms":
            api.fail(answers(404))
            assert with_client(api, VERBS["DELETE"]) is False, "the DMS may say so of an item that is gone"
            return
        error = refused(api, "DELETE", answers(404), answers(404))
    assert type(error) is NotTheApi
    assert error.outcome_unknown


@pytest.mark.parametrize("dialect", PROBLEMS)
@pytest.mark.parametrize("status", [403, 404])
def test_json_without_the_apis_own_type_is_a_gateways(dialect: str, status: int) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        error = refused(api, "DELETE", *[answers(status, {"message": "Forbidden"})] * 2)
    assert type(error) is NotTheApi


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_what_the_api_itself_refuses_is_no_outage(dialect: str) -> None:
    own = DIALECTS[dialect].problems
    denied = problem(403, "security:authorization:", "…") if own else answers(403, {"message": "…"})
    missing = problem(404, "not-found", "…") if own else answers(404, {"message": "Resource was not found."})
    with FakeApi(DIALECTS[dialect]) as api:
        for fault, kind in ((denied, AuthorizationDenied), (missing, NotFound)):
            error = refused(api, "PUT", fault)
            assert isinstance(error, kind)
            assert not isinstance(error, WrongRoute)
            assert not error.outcome_unknown
            assert not error.systemic


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
def test_a_portals_page_is_no_success(verb: str) -> None:
    with FakeApi() as api:
        error = refused(api, verb, *[answers(200, PAGE)] * 2)
    assert type(error) is NotTheApi
    assert error.outcome_unknown


def test_a_page_once_is_survived() -> None:
    with FakeApi() as api:
        api.fail(answers(403, PAGE))
        assert with_client(api, VERBS["POST"]).created


def test_a_wrong_path_that_a_gateway_tells_of_leaves_a_write_in_doubt() -> None:
    with FakeApi() as api:
        error = refused(api, "DELETE", answers(404, PAGE))
    assert type(error) is WrongRoute
    assert error.outcome_unknown


@pytest.mark.parametrize(
    "location", ["/data/v3/ed-fi/students", f"/students/{'a' * 40}", "/students/' OR 1=1", "students/604822?x=1", "/"]
)
def test_a_location_without_an_id_tells_none(location: str) -> None:
    with FakeApi() as api:
        api.fail(answers(201, b"", Location=location))
        assert with_client(api, VERBS["POST"]).id is None


@pytest.mark.parametrize("identity", [ID.upper(), "8e5c8a35-1b1c-4a92-93c5-3a0ef2d5b4f1"])
def test_a_location_with_an_id_tells_it(identity: str) -> None:
    with FakeApi() as api:
        api.fail(answers(201, b"", Location=f"http://10.0.0.1/x/students/{identity}"))
        assert with_client(api, VERBS["POST"]).id == identity


NONSENSE: list[Any] = [
    ([{"id": "x" * 50}], {"Total_Count": "1"}),
    ([{"id": "a\0" + ID}], {"Total_Count": "1"}),
    ([{"id": 7}], {"Total_Count": "1"}),
    ([{"id": ID}], {"Total_Count": "9" * 5000}),
    ([{"id": ID}], {"Total_Count": "²"}),
    (b"[" * 10_000 + b"]" * 10_000, {"Total_Count": "1"}),
    (b'[{"x": ' * 5_000 + b"1" + b"}]" * 5_000, {"Total_Count": "1"}),
    ({"id": ID}, {"Total_Count": "1"}),
]


@pytest.mark.parametrize(("body", "headers"), NONSENSE, ids=range(len(NONSENSE)))
def test_a_collection_that_is_none_is_a_malformed_answer(body: Any, headers: dict[str, str]) -> None:
    with FakeApi() as api:
        api.fail(*[answers(200, body, **headers)] * 2)
        with pytest.raises(MalformedAnswer):
            with_client(api, lambda client: client.find("students", {}), tries=2)


def test_a_count_that_is_none_is_a_malformed_answer() -> None:
    with FakeApi() as api:
        api.fail(answers(200, [], Total_Count="9" * 5000))
        with pytest.raises(MalformedAnswer):
            with_client(api, lambda client: client.total_count("students"))


def test_a_refusal_nested_beyond_reading_is_still_a_refusal() -> None:
    with FakeApi() as api:
        error = refused(api, "PUT", answers(413, b'{"errors": ' * 9_000))
    assert error.status == 413


@pytest.mark.parametrize("wait", ["9" * 5000, "9" * 400])
def test_a_retry_after_that_is_no_time_is_not_waited_for(wait: str) -> None:
    with FakeApi() as api:
        api.fail(answers(503, b"", Retry_After=wait))
        assert with_client(api, VERBS["POST"]).created


def test_a_page_size_of_thousands_of_digits_is_no_bound() -> None:
    said = "Limit must be omitted or set to a value between 1 and " + "9" * 5000 + "."
    with FakeApi(max_limit=10) as api:
        wanted = api.add("students", 30)
        api.fail(problem(400, "bad-request:parameter-validation-failed", said))
        found = with_client(api, lambda client: client.find("students", {}), page_size=10)
    assert len(found) == len(wanted)


@pytest.mark.parametrize("lifetime", [b"-1", b"0", b'"soon"', b"null", b"1e300", b"9" * 300])
def test_a_tokens_lifetime_that_is_none_is_not_believed(lifetime: bytes) -> None:
    granted = _grant_of(Answer(200, {}, b'{"access_token": "b", "expires_in": ' + lifetime + b"}"))
    assert granted == ("b", 300.0)


def test_values_are_what_they_look_like() -> None:
    assert [whole_number(value) for value in ("7", " 07 ", 7, 10**18, -1, True, "٣", "1e3", None, "")] == [
        7, 7, 7, None, None, None, None, None, None, None,
    ]  # fmt: skip
    assert [item_id(value) for value in (ID, ID + "\n", "g" * 32, f"{ID[:8]}-{ID[:23]}", None, 7)] == [
        ID,
        *[None] * 5,
    ]


def test_several_at_once_meet_one_outage() -> None:
    with FakeApi() as api:
        api.fail(*[answers(403, PAGE)] * 400)

        async def work(client: EdFiClient) -> list[Any]:
            posts = [client.upsert("students", {"studentUniqueId": str(n)}) for n in range(60)]
            return await asyncio.gather(*posts, return_exceptions=True)

        outcomes = with_client(api, work)
    assert {type(outcome).__name__ for outcome in outcomes} <= {"NotTheApi", "CircuitOpen"}
    assert len(api.data_requests()) < 300, "the circuit spares what is down"


@pytest.mark.parametrize("dialect", ["6.2", "7.3"])
def test_pages_of_two_are_the_smallest_that_are_read(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect], max_limit=2) as api:
        wanted = api.add("students", 7)
        found = with_client(api, lambda client: client.find("students", {}), page_size=9)
    assert sorted(row["id"] for row in found) == sorted(wanted)
