"""What networks do, and what the client makes of it: survived, or a typed error; never a storm.

Each test counts the requests the API got. Waits pass on a still clock; deadlines are real, and short.
"""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from edfi_cte.ods import (
    AnswerTooLarge,
    ConnectionLost,
    EdFiClient,
    EdFiConfig,
    EdFiError,
    MalformedAnswer,
    MemoryTokenStore,
    NaturalKeyConflict,
    PreconditionFailed,
    TimedOut,
    Unreachable,
)
from tests.ods.fake_api import STUDENT, TRIES, FakeApi, Fault, StillClock, read, upsert, with_client
from tests.ods.faults import answers, lose_answer, problem, reset, reset_in_body, stall, stall_in_body


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
def test_an_answer_that_comes_in_pieces_without_its_length_is_read_whole(api: FakeApi, packed: bool) -> None:
    async def pieces(api: FakeApi, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Total-Count": "1"})
        response.enable_chunked_encoding()
        if packed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        for piece in (b'[{"id": "', b"a" * 32, b'"}', b"]"):
            await response.write(piece)
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    api.fail(pieces)
    assert with_client(api, read) == [{"id": "a" * 32}]


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
