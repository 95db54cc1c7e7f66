"""What networks and servers do, and what the client makes of it: survived, or a typed error; never a storm.

Each test counts the requests the API got. Waits pass on a still clock; deadlines are real, and short.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from edfi_cte.ods import (
    AnswerTooLarge,
    CircuitOpen,
    ConnectionLost,
    EdFiClient,
    EdFiConfig,
    EdFiError,
    MalformedAnswer,
    MemoryTokenStore,
    Misconfigured,
    NaturalKeyConflict,
    PreconditionFailed,
    RateLimited,
    ServerFault,
    TimedOut,
    Unavailable,
    Unreachable,
    ValidationFailed,
    WrongRoute,
)
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import (
    FakeApi,
    Fault,
    StillClock,
    answers,
    http_date,
    lose_answer,
    problem,
    reset,
    reset_in_body,
    stall,
    stall_in_body,
    with_client,
)

STUDENT = {"studentUniqueId": "604822"}
TRIES = 6


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as api:
        yield api


def upsert(client: EdFiClient) -> Any:
    return client.upsert("students", STUDENT)


def read(client: EdFiClient) -> Any:
    return client.find("students", {})


def test_a_client_may_be_opened_again(api: FakeApi) -> None:
    client = EdFiClient(api.config(), token_store=MemoryTokenStore())

    async def work() -> None:
        async with client:
            await asyncio.gather(*(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(40)))

    asyncio.run(work())
    asyncio.run(work())
    assert len(api.data_requests()) == 80
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(client.total_count("students"))


# The network


@pytest.mark.parametrize("fault", [reset, reset_in_body])
def test_a_broken_connection_is_tried_again(api: FakeApi, fault: Fault) -> None:
    api.add("students", 3)
    api.fail(fault)

    assert len(with_client(api, read)) == 3
    assert len(api.data_requests()) == 2


def test_a_connection_that_always_breaks_ends_in_its_error(api: FakeApi) -> None:
    api.faults = [reset] * 100

    with pytest.raises(ConnectionLost) as caught:
        with_client(api, upsert)

    assert (caught.value.tries, caught.value.outcome_unknown, caught.value.systemic) == (TRIES, True, False)
    assert len(api.data_requests()) == TRIES


@pytest.mark.parametrize("fault", [stall, stall_in_body])
def test_a_stall_ends_with_the_read_deadline_and_is_tried_again(api: FakeApi, fault: Fault) -> None:
    api.add("students", 3)
    api.fail(fault)

    assert len(with_client(api, read, read_timeout=0.2)) == 3
    assert len(api.data_requests()) == 2


@pytest.mark.parametrize("fault", [stall, stall_in_body])
def test_an_api_that_always_stalls_ends_in_its_error(api: FakeApi, fault: Fault) -> None:
    api.faults = [fault] * 10

    # A write has the time to connect and to read together: one timer serves for both.
    with pytest.raises(TimedOut) as caught:
        with_client(api, upsert, connect_timeout=0.1, read_timeout=0.1, tries=3)

    assert (caught.value.tries, caught.value.outcome_unknown) == (3, True)
    assert len(api.data_requests()) == 3


def test_a_body_that_trickles_ends_with_the_total_deadline(api: FakeApi) -> None:
    async def trickle(api: FakeApi, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    api.faults = [trickle] * 2

    with pytest.raises(TimedOut):
        with_client(api, read, read_timeout=5, total_timeout=0.3, tries=2)
    assert len(api.data_requests()) == 2


def test_a_host_that_accepts_no_connection_ends_with_the_connect_deadline() -> None:
    with socket.socket() as full, socket.socket() as queued, socket.socket() as left_out:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for other in (queued, left_out):
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        config = EdFiConfig(
            base_url=f"http://127.0.0.1:{full.getsockname()[1]}",
            client_id="key",
            client_secret="secret",
            connect_timeout=0.2,
            tries=2,
        )
        error, _ = _failure(config)

    assert isinstance(error, TimedOut)
    assert (error.tries, error.outcome_unknown) == (2, False)
    assert "connect_timeout" in str(error)


def test_connections_are_used_again(api: FakeApi) -> None:
    ports = set()

    async def note(api: FakeApi, request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return api.serve_data(request, await request.read())

    async def work(client: EdFiClient) -> None:
        for number in range(3):
            await asyncio.gather(*(client.upsert("students", {"studentUniqueId": f"{number}{n}"}) for n in range(20)))

    api.faults = [note] * 60
    with_client(api, work, concurrency=4)
    assert len(ports) <= 4


def test_waiting_for_a_turn_is_no_part_of_a_deadline(api: FakeApi) -> None:
    api.delay = 0.1

    async def work(client: EdFiClient) -> None:
        await asyncio.gather(*(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(8)))

    with_client(api, work, concurrency=1, total_timeout=0.4, tries=1)
    assert (len(api.data_requests()), api.most_in_flight) == (8, 1)


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = EdFiConfig(
            base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", client_id="key", client_secret="secret"
        )
        error, clock = _failure(config)

    assert isinstance(error, Unreachable)
    assert (error.tries, error.systemic, error.outcome_unknown) == (TRIES, True, False)
    assert "cannot be reached" in str(error)
    assert clock.waits == [1, 2, 4, 8, 16], "each wait is drawn between nothing and twice the one before"


def test_a_host_that_nobody_knows_is_unreachable() -> None:
    config = EdFiConfig(base_url="https://no-such-host.invalid/api", client_id="key", client_secret="secret")
    error, _ = _failure(config)

    assert type(error) is Unreachable
    assert "no-such-host.invalid is not known" in str(error)


def _failure(config: EdFiConfig) -> tuple[EdFiError, StillClock]:
    clock = StillClock()

    async def run() -> None:
        async with EdFiClient(config, token_store=MemoryTokenStore(), clock=clock) as client:
            await client.upsert("students", STUDENT)

    with pytest.raises(EdFiError) as caught:
        asyncio.run(run())
    return caught.value, clock


# Answers lost after the server had done the work


def test_an_upsert_whose_answer_was_lost_is_repeated_and_leaves_one_item(api: FakeApi) -> None:
    api.fail(lose_answer)

    result = with_client(api, upsert)

    assert (result.created, len(api.items["students"]), len(api.data_requests())) == (False, 1, 2)


def test_a_delete_whose_answer_was_lost_still_counts(api: FakeApi) -> None:
    (identity,) = api.add("students", 1)
    api.fail(lose_answer)

    assert with_client(api, lambda client: client.delete("students", identity)) is True
    assert api.items["students"] == {}


def test_a_conditional_put_whose_answer_was_lost_says_that_it_may_be_done(api: FakeApi) -> None:
    identity = api.put_item("students", dict(STUDENT))

    async def work(client: EdFiClient) -> None:
        etag = (await client.get("students", identity))["_etag"]
        api.fail(lose_answer)
        await client.put("students", identity, {**STUDENT, "firstName": "Ada"}, if_match=etag)

    with pytest.raises(PreconditionFailed) as caught:
        with_client(api, work)
    assert caught.value.outcome_unknown
    assert "may have been carried out" in str(caught.value)


def test_a_conflict_with_our_own_lost_try_is_tried_again(api: FakeApi) -> None:
    api.fail(lose_answer, problem(409, "data-conflict:non-unique-identity"))

    assert with_client(api, upsert).status == 200
    assert len(api.data_requests()) == 3


def test_a_conflict_with_another_item_is_not(api: FakeApi) -> None:
    api.fail(problem(409, "data-conflict:non-unique-identity"))

    with pytest.raises(NaturalKeyConflict):
        with_client(api, upsert)
    assert len(api.data_requests()) == 1


def test_a_kept_alive_connection_that_broke_is_not_repeated_unseen(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> bool:
        (identity,) = api.add("students", 1)
        await client.get("students", identity)
        api.fail(lose_answer)
        return await client.delete("students", identity)

    assert with_client(api, work) is True
    assert len(api.data_requests("DELETE")) == 2


# Broken answers


def test_truncated_json_is_asked_for_again(api: FakeApi) -> None:
    api.add("students", 3)
    api.fail(answers(200, b'[{"id": "1'))

    assert len(with_client(api, read)) == 3
    assert len(api.data_requests()) == 2


@pytest.mark.parametrize("body", [b'[{"id": "604822', b"", b"<html>604822</html>", b"{}", b'[{"no id": 1}]', b"[3]"])
def test_an_answer_that_stays_broken_is_an_error_and_no_empty_list(api: FakeApi, body: bytes) -> None:
    api.faults = [answers(200, body, Total_Count="1")] * 100

    with pytest.raises(MalformedAnswer) as caught:
        with_client(api, read)
    assert "604822" not in str(caught.value)
    assert len(api.data_requests()) <= TRIES


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_is_read_no_further_than_its_bound(api: FakeApi, packed: bool) -> None:
    async def flood(api: FakeApi, request: web.Request) -> web.Response:
        response = web.Response(body=b" " * 5_000_000)
        if packed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    api.fail(flood)
    with pytest.raises(AnswerTooLarge):
        with_client(api, read, max_answer_bytes=100_000)
    assert len(api.data_requests()) == 1


# Refusals that may pass, and those that never do


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (answers(500), 4),
        (problem(500, "system"), 4),
        (problem(500, "system:database-connection"), 4),
        (answers(502, b"<html>"), 4),
        (answers(503), 4),
        (answers(504), 4),
        (answers(429), 4),
        (answers(408), 4),
        (problem(429, "too-many-requests"), 4),
        (problem(409, "data-conflict:multi-user-conflict"), 4),
        (answers(501), 4),
    ],
)
def test_a_burst_of_passing_faults_is_survived(api: FakeApi, fault: Fault, requests: int) -> None:
    api.fail(fault, fault, fault)

    assert with_client(api, upsert).created
    assert len(api.data_requests()) == requests


@pytest.mark.parametrize(
    "fault",
    [
        answers(400),
        answers(403),
        answers(409),
        answers(412),
        answers(418),
        problem(500, "system:configuration:invalid"),
        problem(503, "database-not-provisioned"),
        problem(503, "service-configuration-error"),
        problem(409, "data-conflict:unresolved-reference"),
    ],
)
def test_what_waiting_cannot_mend_is_asked_once(api: FakeApi, fault: Fault) -> None:
    api.faults = [fault] * 100

    with pytest.raises(EdFiError):
        with_client(api, upsert)
    assert len(api.data_requests()) == 1


def test_a_fault_that_lasts_ends_after_its_tries(api: FakeApi) -> None:
    api.faults = [answers(500)] * 100

    with pytest.raises(ServerFault) as caught:
        with_client(api, upsert)
    assert (caught.value.tries, len(api.data_requests())) == (TRIES, TRIES)
    assert not caught.value.systemic, "it may be this record alone"


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_waited_out_by_all(api: FakeApi, status: int) -> None:
    clock = StillClock()
    api.fail(answers(status, Retry_After="7"))

    async def work(client: EdFiClient) -> None:
        await client.upsert("students", STUDENT)
        await client.upsert("students", STUDENT)

    with_client(api, work, clock=clock)
    assert len(api.data_requests()) == 3
    assert 7 <= max(clock.waits) <= 9


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(days=-400), timedelta(days=400)])
def test_retry_after_as_a_date_is_read_by_the_servers_clock(api: FakeApi, ahead: timedelta) -> None:
    clock = StillClock()
    now = datetime.now(UTC) + ahead
    api.fail(answers(429, Retry_After=http_date(now + timedelta(seconds=20)), Date=http_date(now)))

    with_client(api, upsert, clock=clock)
    assert len(api.data_requests()) == 2
    assert 20 <= max(clock.waits) <= 22


def test_a_429_without_retry_after_backs_off(api: FakeApi) -> None:
    clock = StillClock()
    api.fail(*[answers(429)] * 3)

    with_client(api, upsert, clock=clock)
    assert clock.waits == [1, 2, 4]


def test_a_retry_after_beyond_patience_is_an_error_at_once(api: FakeApi) -> None:
    api.fail(answers(429, Retry_After="86400"))

    with pytest.raises(RateLimited) as caught:
        with_client(api, upsert)
    assert (caught.value.retry_after, len(api.data_requests())) == (86400, 1)


def test_nor_does_anyone_else_sit_it_out(api: FakeApi) -> None:
    clock = StillClock()
    api.fail(answers(429, Retry_After="86400"))

    async def work(client: EdFiClient) -> None:
        with pytest.raises(RateLimited):
            await client.upsert("students", STUDENT)
        with pytest.raises(CircuitOpen):
            await client.upsert("students", STUDENT)
        assert clock.waits == []
        clock.ahead += 86400
        await client.upsert("students", STUDENT)

    with_client(api, work, clock=clock)
    assert len(api.data_requests()) == 2


# An API that is down


def test_the_circuit_opens_on_an_api_that_is_down_and_closes_when_it_is_back(api: FakeApi) -> None:
    clock = StillClock()
    api.faults = [answers(503)] * 30
    kinds = []

    async def work(client: EdFiClient) -> None:
        for _ in range(8):
            try:
                await client.upsert("students", STUDENT)
            except EdFiError as error:
                kinds.append(type(error))
        clock.ahead += 31
        await client.upsert("students", STUDENT)

    with_client(api, work, clock=clock)
    assert kinds == [Unavailable] * 5 + [CircuitOpen] * 3
    assert len(api.data_requests()) == 5 * TRIES + 1


@pytest.mark.parametrize("failing", ["data", "token"])
def test_an_open_circuit_closes_though_a_new_token_is_needed(api: FakeApi, failing: str) -> None:
    clock = StillClock()

    async def work(client: EdFiClient) -> bool:
        if failing == "data":
            await client.upsert("students", {})
        (api.faults if failing == "data" else api.token_faults).extend([answers(503)] * 5 * TRIES)
        for _ in range(5):
            with pytest.raises(Unavailable):
                await client.upsert("students", STUDENT)
        with pytest.raises(CircuitOpen):
            await client.upsert("students", STUDENT)
        clock.ahead += 3600
        return (await client.upsert("students", STUDENT)).created

    assert with_client(api, work, clock=clock)
    assert api.token_requests == (2 if failing == "data" else 5 * TRIES + 1)


def test_refusals_do_not_open_the_circuit(api: FakeApi) -> None:
    api.faults = [problem(400, "bad-request:data-validation-failed")] * 20

    async def work(client: EdFiClient) -> None:
        for _ in range(20):
            with pytest.raises(ValidationFailed):
                await client.upsert("students", STUDENT)

    with_client(api, work)
    assert len(api.data_requests()) == 20


def test_thousands_of_records_make_no_storm_on_an_api_that_is_down(api: FakeApi) -> None:
    api.faults = [answers(503)] * 10_000

    async def work(client: EdFiClient) -> list[Any]:
        return await asyncio.gather(
            *(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(2000)), return_exceptions=True
        )

    outcomes = with_client(api, work)
    assert all(isinstance(outcome, EdFiError) and outcome.systemic for outcome in outcomes)
    assert len(api.data_requests()) <= 2 * 16 * TRIES


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_a_path_that_is_not_there_never_passes_for_an_item_that_is_gone(dialect: str) -> None:
    gateway = answers(404, b"<html>no such site</html>")
    api_itself = problem(404, "not-found", "The specified data could not be found.")
    faults = [gateway, api_itself if DIALECTS[dialect].problems else answers(404)]
    with FakeApi(DIALECTS[dialect]) as api:
        for fault in faults:
            api.fail(fault)
            with pytest.raises(WrongRoute):
                with_client(api, lambda client: client.delete("students", "a" * 32))


def test_misconfigured_features_are_named(api: FakeApi) -> None:
    api.fail(problem(404, "system:configuration:feature-disabled", "The 'ChangeQueries' feature is disabled."))

    with pytest.raises(Misconfigured) as caught:
        with_client(api, read)
    assert caught.value.systemic


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_faults_are_survived_in_every_dialect(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        api.fail(reset, answers(500), answers(429, Retry_After="1"), answers(502, b"<html>"))
        assert with_client(api, upsert).created
        assert len(api.data_requests()) == 5
