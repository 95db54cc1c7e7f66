"""One token, for as long as it lasts: renewed before it expires, replaced once refused, shared where it can be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edfi_cte.ods import (
    AuthenticationFailed,
    EdFiClient,
    EdFiConfig,
    EdFiError,
    MalformedAnswer,
    MemoryTokenStore,
    NotFound,
    TooManyTokens,
    Unavailable,
)
from edfi_cte.ods.token_store import store_key
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import FakeApi, StillClock, with_client
from tests.ods.faults import answers, problem, reset


async def upserts(client: EdFiClient, count: int) -> list[Any]:
    return await asyncio.gather(
        *(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(count)), return_exceptions=True
    )


def test_many_callers_at_once_share_one_request_for_a_token(api: FakeApi) -> None:
    with_client(api, lambda client: upserts(client, 200))

    assert (api.token_requests, api.statuses()) == (1, {201: 200})


def test_is_renewed_before_it_expires(api: FakeApi) -> None:
    api.expires_in = 100
    clock = StillClock()

    async def work(client: EdFiClient) -> None:
        for _ in range(10):
            await upserts(client, 20)
            clock.ahead += 50

    with_client(api, work, clock=clock)
    assert 401 not in api.statuses()
    assert api.token_requests == 5


@pytest.mark.parametrize(
    ("said", "used"),
    [
        (100, 90),
        (600, 540),
        (1800, 1740),
        (366 * 86400 - 100, 366 * 86400 - 160),
        *((unsaid, 270) for unsaid in (None, 0, -5, "1800", 366 * 86400)),
    ],
)
def test_a_token_is_used_until_a_tenth_of_its_life_or_a_minute_is_left(api: FakeApi, said: Any, used: int) -> None:
    """One whose life is not said, or is none, counts as one of five minutes."""
    api.live.add("given")
    api.token_faults = [answers(200, {"access_token": "given", "expires_in": said})]
    clock = StillClock()

    async def work(client: EdFiClient) -> list[int]:
        requests = []
        for wait in (0, used - 5, 10):
            clock.ahead += wait
            await client.upsert("students", {})
            requests.append(api.token_requests)
        return requests

    assert with_client(api, work, clock=clock) == [1, 1, 2]


def test_a_revoked_token_is_replaced_at_the_cost_of_one_refusal(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> None:
        await client.upsert("students", {})
        api.revoke_tokens()
        for _ in range(5):
            await client.upsert("students", {})

    with_client(api, work)
    assert (api.token_requests, api.statuses()[401]) == (2, 1)


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_a_token_revoked_under_load_is_sent_by_none_who_could_know(dialect: str) -> None:
    """Requests already under way with the old token cannot be called back; no other may carry it."""
    with FakeApi(DIALECTS[dialect]) as api:
        api.delay = 0.01

        async def work(client: EdFiClient) -> list[Any]:
            await client.upsert("students", {})
            running = asyncio.create_task(upserts(client, 300))
            await asyncio.sleep(0.05)
            api.revoke_tokens()
            return await running

        outcomes = with_client(api, work, concurrency=8)

    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert api.token_requests == 2
    assert 1 <= api.statuses()[401] <= 8


def test_an_api_that_refuses_every_token_is_not_stormed(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> list[Any]:
        await client.discover()
        api.live = Refusing()
        return await upserts(client, 500)

    outcomes = with_client(api, work)
    assert {type(outcome) for outcome in outcomes} == {AuthenticationFailed}
    assert api.token_requests <= 3
    assert api.statuses()[401] <= 2 * 16


def test_two_new_tokens_that_are_refused_are_enough(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> None:
        await client.discover()
        api.live = Refusing()
        for _ in range(3):
            with pytest.raises(AuthenticationFailed):
                await client.upsert("students", {})

    with_client(api, work)
    assert (api.token_requests, api.statuses()) == (2, {401: 2})


def test_one_new_token_that_is_refused_after_one_that_was_taken_is_not_enough(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> bool:
        await client.upsert("students", {})
        api.revoke_tokens()
        api.token_faults = [answers(200, {"access_token": "dead", "expires_in": 1800})]
        with pytest.raises(AuthenticationFailed):
            await client.upsert("students", {})
        return (await client.upsert("students", {"studentUniqueId": "1"})).created

    assert with_client(api, work)
    assert api.token_requests == 3


class Refusing(set[str]):
    def __contains__(self, token: object) -> bool:
        return False


def test_a_wrong_secret_is_tried_once_for_all(api: FakeApi) -> None:
    outcomes = with_client(api, lambda client: upserts(client, 500), client_secret="notTheSecret")

    assert {type(outcome) for outcome in outcomes} == {AuthenticationFailed}
    assert (api.token_requests, len(api.data_requests())) == (1, 0)


def test_a_refused_secret_is_tried_again_after_a_while(api: FakeApi) -> None:
    clock = StillClock()
    api.token_faults = [answers(401, {"error": "invalid_client"})]

    async def work(client: EdFiClient) -> None:
        with pytest.raises(AuthenticationFailed, match="invalid_client"):
            await client.upsert("students", {})
        clock.ahead += 55
        with pytest.raises(AuthenticationFailed, match="invalid_client"):
            await client.upsert("students", {})
        clock.ahead += 6
        await client.upsert("students", {})

    with_client(api, work, clock=clock)
    assert api.token_requests == 2


@pytest.mark.parametrize(
    "fault", [reset, answers(500), answers(503), answers(429), answers(200, b'{"access_'), answers(200, b"<html>")]
)
def test_a_token_endpoint_in_trouble_is_asked_again(api: FakeApi, fault: Any) -> None:
    api.token_faults = [fault, fault]

    assert with_client(api, lambda client: client.upsert("students", {})).created
    assert api.token_requests == 3


def test_a_token_endpoint_that_is_down_ends_in_one_error_for_all_who_wait(api: FakeApi) -> None:
    api.token_faults = [answers(503)] * 1000

    outcomes = with_client(api, lambda client: upserts(client, 16))
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert api.token_requests == 6


@pytest.mark.parametrize(
    ("fault", "requests"), [(answers(403), 1), (answers(405), 1), (answers(200, b"<html>"), 6), (answers(500), 30)]
)
def test_a_token_endpoint_that_fails_is_every_requests_affair_and_not_stormed(
    api: FakeApi, fault: Any, requests: int
) -> None:
    """A gateway that blocks, a wrong address, a portal's page: none of it is one record's."""
    api.token_faults = [fault] * 10_000

    outcomes = with_client(api, lambda client: upserts(client, 500))
    assert all(isinstance(outcome, EdFiError) and outcome.systemic for outcome in outcomes)
    assert api.token_requests <= requests


@pytest.mark.parametrize("fault", [answers(404), problem(404, "not-found"), answers(404, b"<html>")])
def test_an_address_that_grants_no_tokens_is_told_as_such(api: FakeApi, fault: Any) -> None:
    """No host but the connection's gets the secret, even if the root document names another."""
    api.token_faults = [fault]

    with pytest.raises(NotFound, match="set token_url"):
        with_client(api, lambda client: client.upsert("students", {}))


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": 7}, []])
def test_a_grant_without_a_token_is_malformed(api: FakeApi, body: Any) -> None:
    api.token_faults = [answers(200, body)] * 10

    with pytest.raises(MalformedAnswer):
        with_client(api, lambda client: client.upsert("students", {}))


def test_too_many_tokens_are_waited_out(api: FakeApi) -> None:
    clock = StillClock()
    api.token_faults = [problem(429, "security:authentication:too-many-tokens")] * 4

    assert with_client(api, lambda client: client.upsert("students", {}), clock=clock).created
    assert (api.token_requests, sum(clock.waits)) == (5, 240)


def test_a_place_among_the_tokens_is_asked_for_again_after_a_quarter_of_a_minute_at_first(api: FakeApi) -> None:
    class Earliest(StillClock):
        def uniform(self, low: float, high: float) -> float:  # noqa: ARG002
            return low

    clock = Earliest()
    api.token_faults = [problem(429, "security:authentication:too-many-tokens")] * 2
    assert with_client(api, lambda client: client.upsert("students", {}), clock=clock).created
    assert clock.waits == [15, 15]


def test_too_many_tokens_for_too_long_are_an_error(api: FakeApi) -> None:
    api.token_faults = [problem(429, "security:authentication:too-many-tokens")] * 1000

    with pytest.raises(TooManyTokens) as caught:
        with_client(api, lambda client: client.upsert("students", {}), token_wait=600)
    assert caught.value.systemic
    assert api.token_requests == 10


def test_a_token_that_another_process_shares_meanwhile_ends_the_wait(api: FakeApi) -> None:
    class SharedMeanwhile(MemoryTokenStore):
        looks = 0

        def get(self, key: str) -> tuple[str, datetime] | None:  # noqa: ARG002
            self.looks += 1
            return None if self.looks == 1 else ("shared", datetime.now(UTC) + timedelta(hours=1))

    api.live.add("shared")
    api.token_faults = [problem(429, "security:authentication:too-many-tokens")] * 1000

    assert with_client(api, lambda client: client.upsert("students", {}), store=SharedMeanwhile()).created
    assert api.token_requests == 1


def test_clients_with_one_store_share_one_token(api: FakeApi) -> None:
    store = MemoryTokenStore()
    for _ in range(5):
        with_client(api, lambda client: client.upsert("students", {}), store=store)

    assert api.token_requests == 1


@pytest.mark.parametrize(("left", "requests"), [(59, 2), (62, 1)])
def test_a_shared_token_is_used_while_more_than_a_minute_is_left(api: FakeApi, left: float, requests: int) -> None:
    store = MemoryTokenStore()
    with_client(api, lambda client: client.upsert("students", {}), store=store)
    (key,) = store._tokens
    store.put(key, api.tokens[0], datetime.now(UTC) + timedelta(seconds=left))

    with_client(api, lambda client: client.upsert("students", {}), store=store)
    assert api.token_requests == requests


@pytest.mark.timeout(20)
def test_clients_on_one_loop_wait_for_the_one_that_fetches(api: FakeApi) -> None:
    store = MemoryTokenStore()

    async def another(client: EdFiClient) -> None:
        async with EdFiClient(client.config, token_store=store) as other:
            await asyncio.gather(upserts(client, 5), upserts(other, 5))

    with_client(api, another, store=store)
    assert (api.token_requests, sum(api.statuses().values())) == (1, 10)


def test_clients_on_other_threads_wait_for_the_one_that_fetches(api: FakeApi) -> None:
    store = MemoryTokenStore()
    threads = [
        threading.Thread(target=with_client, args=(api, lambda client: upserts(client, 5)), kwargs={"store": store})
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert api.token_requests == 1
    assert sum(api.statuses().values()) == 30


def test_a_forked_child_waits_for_no_thread_that_its_parent_had() -> None:
    code = (
        "import os, threading; from edfi_cte.ods import tokens; "
        "tokens._fetching.setdefault('key', threading.Lock()).acquire(); child = os.fork(); "
        "child or os._exit(len(tokens._fetching)); print(os.waitpid(child, 0)[1], len(tokens._fetching))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0", "1"]


def test_a_corrected_secret_does_not_get_the_old_ones_token(api: FakeApi) -> None:
    store = MemoryTokenStore()
    with_client(api, lambda client: client.upsert("students", {}), store=store)

    with pytest.raises(AuthenticationFailed):
        with_client(api, lambda client: client.upsert("students", {}), store=store, client_secret="another")


@pytest.mark.parametrize("skew", [timedelta(hours=-5), timedelta(hours=5)])
def test_a_shared_token_judged_by_a_wrong_clock_does_no_harm(api: FakeApi, skew: timedelta) -> None:
    """One host's clock is hours off: the token looks expired, or looks live and is not."""
    store = MemoryTokenStore()
    with_client(api, lambda client: client.upsert("students", {}), store=store)
    (key,) = store._tokens
    token, expires_at = store._tokens[key]
    store.put(key, token, expires_at + skew)
    if skew > timedelta(0):
        api.revoke_tokens()

    with_client(api, lambda client: upserts(client, 3), store=store, concurrency=1)
    assert api.token_requests == 2
    assert api.statuses()[401] == (1 if skew > timedelta(0) else 0)
    assert store.get(key) is not None
    assert store.get(key)[0] == api.tokens[-1]  # type: ignore[index]


def test_a_token_is_shared_by_one_address_key_and_secret_alone() -> None:
    def key(address: str, client_id: str, given: str) -> str:
        return store_key(address, EdFiConfig(base_url="https://h", client_id=client_id, client_secret=given))

    keys = [
        key("https://h/t", "k", "theSecret"),
        key("https://h/2026/t", "k", "theSecret"),
        key("https://h/t", "other", "theSecret"),
        key("https://h/t", "k", "another"),
    ]
    assert len(set(keys)) == len(keys)
    assert key("https://h/t", "k", "theSecret") == keys[0]
    assert all(len(one) == 32 and "theSecret" not in one for one in keys)


def test_a_discarded_token_takes_no_newer_one_along() -> None:
    store, soon = MemoryTokenStore(), datetime.now(UTC)
    store.put("key", "new", soon)
    store.discard("key", "old")
    assert store.get("key") == ("new", soon)
    store.discard("key", "new")
    assert store.get("key") is None


def test_an_error_of_the_token_endpoint_repeats_no_secret(api: FakeApi) -> None:
    api.token_faults = [answers(400, {"error": "invalid_client", "message": "thePopulatedSecret is wrong"})]

    with pytest.raises(EdFiError) as caught:
        with_client(api, lambda client: client.upsert("students", {}))
    assert "thePopulatedSecret" not in str(caught.value)
