"""What becomes of a call of HttpOperator's: the request that the client is asked for, and the response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
import tenacity
from multidict import CIMultiDict

from edfi_cte.hooks.http import HttpOperatorSupport
from edfi_cte.ods import BadParameter, EdFiClient, Refused
from edfi_cte.ods.message import Answer


class Support(HttpOperatorSupport):
    """Over a client that answers at once, and notes what it was asked to send."""

    def __init__(self, method: str = "GET", status: int = 200) -> None:
        self.method = method
        self.answer = Answer(status, CIMultiDict({"X-Name": "value"}), '{"a": "é"}'.encode())
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def call(self, work: Callable[[EdFiClient], Coroutine[Any, Any, Answer]]) -> Answer:
        return asyncio.run(work(cast("EdFiClient", self)))

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        self.sent.append((method, path, options))
        return self.answer


NOTHING = {"parameters": None, "body": None, "headers": None, "timeout": None, "check": True}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    ("arguments", "path", "options"),
    [
        ({}, "", {}),
        ({"endpoint": "e"}, "e", {}),
        ({"endpoint": "e", "data": {"a": 1}}, "e", {"parameters": {"a": 1}}),
        ({"endpoint": "e", "data": {}}, "e", {"parameters": {}}),
        ({"endpoint": "e", "data": "a=1"}, "e?a=1", {}),
        ({"endpoint": "e?b=2", "data": "a=1"}, "e?b=2&a=1", {}),
        ({"endpoint": "e", "data": ""}, "e", {}),
        ({"endpoint": "e", "data": b""}, "e", {}),
        ({"endpoint": "e", "json": {"a": 1}}, "e", {}),
        ({"endpoint": "e", "headers": {"A": "b"}}, "e", {"headers": {"A": "b"}}),
        ({"endpoint": "e", "headers": {}}, "e", {}),
        ({"endpoint": "e", "extra_options": {"check_response": False}}, "e", {"check": False}),
        ({"endpoint": "e", "extra_options": {"timeout": 3}}, "e", {"timeout": (3.0, 3.0)}),
        ({"endpoint": "e", "extra_options": {"timeout": (1, "2")}}, "e", {"timeout": (1.0, 2.0)}),
        ({"endpoint": "e", "extra_options": {"timeout": [1, 2]}}, "e", {"timeout": (1.0, 2.0)}),
    ],
)
def test_a_read_has_parameters_and_no_body(
    method: str, arguments: dict[str, Any], path: str, options: dict[str, Any]
) -> None:
    hook = Support(method)
    hook.run(**arguments)
    assert hook.sent == [(method, path, NOTHING | options)]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({}, None),
        ({"data": {"a": 1}}, b'{"a": 1}'),
        ({"data": [1]}, b"[1]"),
        ({"data": {}}, None),
        ({"data": "{}"}, b"{}"),
        ({"data": ""}, None),
        ({"data": b"{}"}, b"{}"),
        ({"data": b""}, None),
        ({"data": "x", "json": {"a": 1}}, b'{"a": 1}'),
    ],
)
def test_a_write_has_a_body_and_no_parameters(method: str, arguments: dict[str, Any], body: bytes | None) -> None:
    hook = Support(method)
    hook.run("e", **arguments)
    assert hook.sent == [(method, "e", NOTHING | {"body": body})]


@pytest.mark.parametrize("data", [[("a", "1")], b"a=1", 7])
def test_filters_that_would_be_forgotten_are_refused(data: Any) -> None:
    hook = Support("HEAD")
    with pytest.raises(BadParameter, match="The data of a HEAD are its parameters"):
        hook.run("e", data)
    assert hook.sent == []


def test_an_option_that_is_not_known_is_named() -> None:
    hook = Support()
    with pytest.raises(BadParameter, match="extra_options has cert, verify, which an edfi connection does not take"):
        hook.run("e", extra_options={"verify": False, "timeout": 1, "cert": "x"})
    assert hook.sent == []


def test_the_response_is_the_answer() -> None:
    response = Support(status=207).run("e")
    assert (response.status_code, response.headers["x-name"], response.json()) == (207, "value", {"a": "é"})
    assert response.text == '{"a": "é"}'


@pytest.mark.parametrize(("status", "refused"), [(200, False), (399, False), (400, True), (500, True)])
def test_a_response_of_400_or_more_is_refused(status: int, refused: bool) -> None:
    hook = Support("PUT", status)
    response = hook.run("e")
    if not refused:
        hook.check_response(response)
        return
    with pytest.raises(Refused, match="PUT was refused") as caught:
        hook.check_response(response)
    assert caught.value.status == status


def test_a_call_that_is_tried_again_gives_its_last_response() -> None:
    hook = Support()
    retry = {"stop": tenacity.stop_after_attempt(3), "retry": tenacity.retry_if_result(lambda _: len(hook.sent) < 2)}
    response = hook.run_with_advanced_retry(retry, "e", data="a=1")
    assert (response.status_code, [path for _, path, _ in hook.sent]) == (200, ["e?a=1"] * 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, None),
        ({"auth_type": None, "tcp_keep_alive": True, "tcp_keep_alive_idle": 1}, None),
        ({"auth_type": object}, "takes no auth_type"),
        ({"proxy": 1, "adapter": 2}, "takes no option adapter, proxy"),
    ],
)
def test_the_options_of_http_operator_are_taken_as_far_as_they_change_nothing(
    options: dict[str, Any], said: str | None
) -> None:
    if said is None:
        Support()._refuse_unknown(options)
        return
    with pytest.raises(TypeError, match=said):
        Support()._refuse_unknown(options)
