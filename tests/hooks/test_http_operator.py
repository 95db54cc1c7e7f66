"""The http provider's own HttpOperator on an ``edfi`` connection: it works, token and all, and costs little."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.http.operators.http import HttpOperator
from requests import Response

from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.ods import BadParameter, NotYetEnrolled, Refused, TimedOut
from tests.ods.fake_api import FakeApi
from tests.ods.faults import answers, problem, reset, stall

Connect = Callable[..., str]


def operator(connect: Connect, **arguments: Any) -> HttpOperator:
    return HttpOperator(task_id="call", **{"http_conn_id": connect(), "endpoint": "ed-fi/students", **arguments})


def test_reads(api: FakeApi, connect: Connect) -> None:
    api.add("students", 3)

    text = operator(connect, method="GET", data={"limit": 2, "studentUniqueId": "000001"}).execute({})

    assert [row["studentUniqueId"] for row in json.loads(text)] == ["000001"]
    sent = api.data_requests("GET")[0]
    assert (sent.path, sent.query) == ("/data/v3/ed-fi/students", {"limit": "2", "studentUniqueId": "000001"})


@pytest.mark.parametrize("endpoint", ["ed-fi/students?limit=1", "/ed-fi/students?limit=1"])
def test_takes_a_query_in_the_endpoint(api: FakeApi, connect: Connect, endpoint: str) -> None:
    api.add("students", 3)
    assert len(json.loads(operator(connect, method="GET", endpoint=endpoint).execute({}))) == 1
    assert len(json.loads(operator(connect, method="GET", data="limit=2").execute({}))) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"data": json.dumps({"studentUniqueId": "1"})},
        {"data": b'{"studentUniqueId": "1"}'},
        {"data": {"studentUniqueId": "1"}},
        {"request_kwargs": {"json": {"studentUniqueId": "1"}}},
    ],
)
def test_writes(api: FakeApi, connect: Connect, arguments: dict[str, Any]) -> None:
    made = operator(
        connect, method="POST", response_filter=lambda response: response.headers["location"], **arguments
    ).execute({})

    assert made.endswith(next(iter(api.items["students"])))
    assert json.loads(api.data_requests("POST")[0].body) == {"studentUniqueId": "1"}
    assert api.data_requests("POST")[0].headers["Content-Type"] == "application/json"


def test_pages_with_one_token(api: FakeApi, connect: Connect) -> None:
    api.add("students", 25)

    def next_page(response: Response) -> dict[str, Any] | None:
        token = response.headers.get("Next-Page-Token")
        # Parameters given as a text take the place of the first request's.
        return {"data": f"pageToken={token}&pageSize=10"} if token else None

    texts = operator(
        connect,
        method="GET",
        data="limit=10",
        pagination_function=next_page,
        response_check=lambda responses: all(response.ok for response in responses),
    ).execute({})

    assert [len(json.loads(text)) for text in texts] == [10, 10, 5, 0]
    assert api.token_requests == 1


def test_retries_as_the_client_does(api: FakeApi, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edfi_cte.ods.retry._FIRST_WAIT", 0.01)
    api.fail(reset, answers(503))
    api.revoke_tokens()
    operator(connect, method="POST", data={"studentUniqueId": "1"}).execute({})
    assert api.items["students"]


def test_passes_on_only_what_is_meant_for_the_api(api: FakeApi, connect: Connect) -> None:
    """HttpHook would send every extra of the connection as a header."""
    connect({"page_size": 100, "tenant": "MO"})
    with EdFiHook("edfi_2026", method="get") as hook:
        hook.run("ed-fi/students", headers={"Use-Snapshot": "true"})
    sent = {name.lower(): value for name, value in api.data_requests()[0].headers.items()}
    assert set(sent) == {"host", "accept", "accept-encoding", "user-agent", "authorization", "use-snapshot"}
    assert sent["authorization"].startswith("Bearer ")


def test_a_refusal_is_a_typed_error_and_logs_no_body(
    api: FakeApi, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    api.fail(problem(403, "security:authorization", "You may need a 'StudentSchoolAssociation' for 604822."))

    with caplog.at_level("DEBUG"), pytest.raises(NotYetEnrolled):
        operator(connect, method="POST", data={"studentUniqueId": "604822"}).execute({})
    assert "604822" not in caplog.text


def test_a_refusal_may_be_looked_at(api: FakeApi, connect: Connect) -> None:
    api.fail(answers(409, {"message": "a conflict"}))

    text = operator(connect, method="POST", extra_options={"check_response": False}).execute({})

    assert json.loads(text) == {"message": "a conflict"}


def test_an_answer_that_may_be_looked_at_is_asked_for_again_as_ever(
    api: FakeApi, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edfi_cte.ods.retry._FIRST_WAIT", 0.01)
    api.fail(answers(503))
    operator(connect, method="GET", extra_options={"check_response": False}).execute({})
    assert [seen.status for seen in api.data_requests("GET")] == [503, 200]


def test_check_response_is_httphooks(api: FakeApi, connect: Connect) -> None:
    api.fail(answers(409, {}))
    with EdFiHook(connect(), method="POST") as hook:
        response = hook.run("ed-fi/students", data={"a": 1}, extra_options={"check_response": False})
        with pytest.raises(Refused):
            hook.check_response(response)
        hook.check_response(hook.run("ed-fi/students", data={"a": 1}))


def test_takes_tenacitys_arguments(api: FakeApi, connect: Connect) -> None:
    import tenacity

    api.fail(answers(409), answers(409))
    retry = {"stop": tenacity.stop_after_attempt(3), "retry": tenacity.retry_if_exception_type(Refused)}
    operator(connect, method="POST", data={"studentUniqueId": "1"}, retry_args=retry).execute({})
    assert len(api.data_requests("POST")) == 3


def test_takes_a_timeout(api: FakeApi, connect: Connect) -> None:
    connect({"tries": 1})
    for timeout in (0.1, (1, 0.1)):
        api.fail(stall)
        with EdFiHook("edfi_2026") as hook, pytest.raises(TimedOut):
            hook.run("ed-fi/students", extra_options={"timeout": timeout})


@pytest.mark.parametrize(
    "endpoint",
    ["https://elsewhere.example.gov/x", "../../oauth/token", "ed-fi/../../../x", "%2e%2e/%2e%2e/oauth/token"],
)
def test_leads_nowhere_else(api: FakeApi, connect: Connect, endpoint: str) -> None:
    with pytest.raises(BadParameter, match="leads away"):
        operator(connect, method="GET", endpoint=endpoint).execute({})
    assert api.data_requests() == []


def test_the_hosts_spelling_is_no_matter(api: FakeApi, connect: Connect) -> None:
    host = api.base_url.replace("127.0.0.1", "LocalHost")
    with EdFiHook(connect(host=host)) as hook:
        assert hook.run("ed-fi/students").json() == []


@pytest.mark.parametrize("data", [[("studentUniqueId", "1")], b"studentUniqueId=1"])
def test_forgets_no_filter(api: FakeApi, connect: Connect, data: Any) -> None:
    with EdFiHook(connect()) as hook, pytest.raises(BadParameter, match="parameters"):
        hook.run("ed-fi/students", data=data)
    assert api.data_requests() == []


def test_weakens_nothing_by_its_options(connect: Connect) -> None:
    with pytest.raises(BadParameter, match="verify"):
        operator(connect, method="GET", extra_options={"verify": False}).execute({})
    with pytest.raises(TypeError, match="auth_type"):
        EdFiHook(connect(), auth_type=object)
    with pytest.raises(TypeError, match="adapter"):
        EdFiHook(connect(), adapter=None)
