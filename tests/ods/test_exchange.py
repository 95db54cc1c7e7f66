"""One request and what comes of it: token, turn and tries, by what the API answers."""

from __future__ import annotations

from typing import Any

import pytest

from edfi_cte.ods import AuthorizationDenied, CircuitOpen, EdFiClient, EdFiError, MemoryTokenStore
from edfi_cte.ods.message import Answer
from tests.ods.fake_api import FakeApi, StillClock, read, upsert, with_client
from tests.ods.faults import answers, reset


def outcome(api: FakeApi, work: Any, **options: Any) -> EdFiError:
    with pytest.raises(EdFiError) as caught:
        with_client(api, work, **options)
    return caught.value


@pytest.mark.parametrize(
    ("status", "limit"),
    [
        *((status, 16) for status in (400, 402, 409, 428, 430, 500, 501, 505)),
        *((status, 8) for status in (429, 502, 503, 504)),
    ],
)
def test_only_what_says_that_it_is_too_much_lowers_the_number_in_flight(
    api: FakeApi, status: int, limit: int
) -> None:
    limits = []

    async def work(client: EdFiClient) -> None:
        await client.discover()
        api.fail(answers(status, {"message": "…"}))
        with pytest.raises(EdFiError):
            await client.upsert("students", {})
        limits.append(client._limiter.limit)

    with_client(api, work, tries=1)
    assert (limits, api.token_requests) == ([limit], 1)


@pytest.mark.parametrize(("asked", "waits"), [(None, []), ("0", []), ("59", [60]), ("60", [61]), ("61", [])])
def test_a_pause_that_the_api_asks_for_holds_up_the_others_unless_it_is_beyond_patience(
    api: FakeApi, asked: str | None, waits: list[float]
) -> None:
    clock = StillClock()
    refusal = answers(429, b"", **({} if asked is None else {"Retry_After": asked}))

    async def work(client: EdFiClient) -> None:
        await client.discover()
        api.fail(refusal)
        with pytest.raises(EdFiError):
            await client.upsert("students", {})
        client._retrier.circuit.answered()
        await client.upsert("students", {})

    with_client(api, work, clock=clock, tries=1, max_retry_after=60)
    assert [round(wait) for wait in clock.waits] == waits


@pytest.mark.parametrize(
    ("status", "write", "unknown"),
    [(500, True, True), (503, True, True), (500, False, False), (409, True, False), (404, False, False)],
)
def test_a_fault_of_the_server_leaves_a_write_in_doubt(api: FakeApi, status: int, write: bool, unknown: bool) -> None:
    api.fail(answers(status, {"message": "…", "type": "urn:ed-fi:api:x"}))
    assert outcome(api, upsert if write else read, tries=1).outcome_unknown is unknown


async def unchecked(client: EdFiClient) -> Answer:
    return await client.send("POST", "ed-fi/students", body=b"{}", check=False)


@pytest.mark.parametrize("status", [200, 201, 400, 409, 412])
def test_an_answer_that_is_not_checked_comes_as_it_is(api: FakeApi, status: int) -> None:
    api.fail(answers(status, {"message": "as it is"}))
    answer = with_client(api, unchecked)
    assert (answer.status, answer.body, len(api.data_requests())) == (status, b'{"message": "as it is"}', 1)


def test_an_answer_that_is_not_checked_is_the_last_of_all_tries(api: FakeApi) -> None:
    api.fail(answers(503, b"1"), answers(500, b"2"), answers(502, b"3"))
    answer = with_client(api, unchecked, tries=3)
    assert (answer.status, answer.body) == (502, b"3")


def test_where_no_answer_came_at_last_an_earlier_one_does_not_pass_for_it(api: FakeApi) -> None:
    api.fail(answers(503), reset)
    assert outcome(api, unchecked, tries=2).type == "connection_lost"


def test_a_refusal_of_the_token_endpoint_is_no_answer_of_the_data(api: FakeApi) -> None:
    api.token_faults = [answers(403)]
    assert isinstance(outcome(api, unchecked), AuthorizationDenied)
    assert api.data_requests() == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("body", [None, b"{}"])
def test_a_replaced_token_is_the_one_that_is_sent_with_the_usual_headers(
    api: FakeApi, check: bool, body: bytes | None
) -> None:
    async def work(client: EdFiClient) -> None:
        for _ in range(2):
            await client.send(
                "POST" if body else "GET", "ed-fi/students", body=body, headers={"X-Own": "own"}, check=check
            )
            api.revoke_tokens()

    with_client(api, work, store=MemoryTokenStore(), concurrency=1)
    first, refused, again = api.data_requests()
    assert (first.status < 300, refused.status, again.status < 300) == (True, 401, True)
    sent = [one.headers["Authorization"].removeprefix("Bearer ") for one in (first, refused, again)]
    assert sent == [api.tokens[0], api.tokens[0], api.tokens[1]]
    assert {one.headers["X-Own"] for one in (first, refused, again)} == {"own"}
    assert all(("application/json" in one.headers.get("Content-Type", "")) == bool(body) for one in (first, again))


def test_a_text_that_is_no_json_is_asked_for_again(api: FakeApi) -> None:
    api.add("students", 1)
    api.fail(answers(200, b'[{"id":'), answers(200, b"<html>"))
    assert len(with_client(api, read)) == 1
    assert len(api.data_requests()) == 3


def test_a_token_that_was_taken_before_it_was_refused_speaks_for_the_key(api: FakeApi) -> None:
    """Tokens that others revoke, again and again, are no sign of an API that takes none."""

    async def work(client: EdFiClient) -> None:
        for _ in range(5):
            await client.upsert("students", {})
            api.revoke_tokens()

    with_client(api, work)
    assert (api.token_requests, api.statuses()[401]) == (5, 4)


def test_an_answer_closes_the_account_of_failures_and_five_in_a_row_send_nothing_more(api: FakeApi) -> None:
    down = answers(503)

    async def work(client: EdFiClient) -> int:
        for failures in (4, 4, 5):
            api.fail(*[down] * failures)
            for _ in range(failures):
                with pytest.raises(EdFiError, match="503"):
                    await client.upsert("students", {})
            if failures < 5:
                await client.upsert("students", {})
        with pytest.raises(CircuitOpen):
            await client.upsert("students", {})
        return len(api.data_requests())

    assert with_client(api, work, tries=1) == 15


def test_answers_that_become_slow_lower_the_number_in_flight(api: FakeApi) -> None:
    class Ticking(StillClock):
        """Time passes with every look at it."""

        tick = 0.001

        def now(self) -> float:
            self.ahead += self.tick
            return super().now()

    clock = Ticking()

    async def work(client: EdFiClient) -> list[int]:
        limits = []
        for tick in (0.001, 5.0):
            clock.tick = tick
            for _ in range(32):
                await client.upsert("students", {})
            limits.append(client._limiter.limit)
        return limits

    assert with_client(api, work, clock=clock) == [16, 12]
