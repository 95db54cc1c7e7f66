"""How fast the client goes: never above its bound, slower when the API suffers, back up when it recovers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from edfi_cte.ods import CircuitOpen, EdFiClient
from edfi_cte.ods.circuit import Circuit
from edfi_cte.ods.limiter import Limiter
from edfi_cte.ods.retry import retry_after
from tests.ods.fake_api import FakeApi, StillClock, with_client
from tests.ods.faults import answers, stall


def feed(limiter: Limiter, seconds: float, answers: int = 320, kind: str = "POST") -> None:
    for _ in range(answers):
        limiter.went_well(kind, seconds)


def test_never_more_requests_in_flight_than_allowed() -> None:
    with FakeApi() as api:
        api.delay = 0.01

        async def work(client: EdFiClient) -> None:
            await asyncio.gather(*(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(60)))

        with_client(api, work, concurrency=7)
    assert api.most_in_flight == 7


@pytest.mark.parametrize("fault", [answers(429), answers(503), stall])
def test_an_api_that_suffers_is_given_fewer_requests_then_more_again(fault: object) -> None:
    with FakeApi() as api:
        limits = []

        async def work(client: EdFiClient) -> None:
            await client.discover()
            api.fail(fault)  # type: ignore[arg-type]
            await client.upsert("students", {})
            limits.append(client._limiter.limit)
            for n in range(150):
                await client.upsert("students", {"studentUniqueId": str(n)})
            limits.append(client._limiter.limit)

        with_client(api, work, concurrency=16, connect_timeout=0.5, read_timeout=0.5)
    assert limits == [8, 16]


@pytest.mark.parametrize("reads", [False, True])
def test_no_more_requests_are_in_flight_than_the_lowered_limit_lets_through(reads: bool) -> None:
    with FakeApi() as api:

        async def work(client: EdFiClient) -> None:
            await client.discover()
            for _ in range(3):
                client._limiter.too_much(client._limiter._clock.now())
            api.delay, api.most_in_flight = 0.05, 0
            if reads:
                await asyncio.gather(*(client.total_count("students") for _ in range(8)))
            else:
                await asyncio.gather(*(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(8)))

        with_client(api, work, concurrency=16)
    assert api.most_in_flight in (2, 3), "good answers raise it again"


def test_requests_that_suffered_together_count_once() -> None:
    clock = StillClock()
    limiter = Limiter(16, clock)
    together = clock.now()
    for _ in range(16):
        clock.ahead += 0.01
        limiter.too_much(together)
    assert limiter.limit == 8

    clock.ahead += 1
    limiter.too_much(clock.now())
    assert limiter.limit == 4
    for _ in range(20):
        clock.ahead += 1
        limiter.too_much(clock.now())
    assert limiter.limit == 1, "never stops altogether"


def test_a_request_sent_at_the_moment_of_a_cut_counts_anew() -> None:
    class Frozen(StillClock):
        def now(self) -> float:
            return self.ahead

    limiter = Limiter(16, Frozen())
    limits = []
    for sent_at in (0, 0, -1):
        limiter.too_much(sent_at)
        limits.append(limiter.limit)
    assert limits == [8, 4, 4]


def test_rising_latency_lowers_the_limit_and_falling_latency_raises_it() -> None:
    limiter = Limiter(16, StillClock())
    feed(limiter, 0.1)
    assert limiter.limit == 16
    feed(limiter, 0.5)
    assert 4 <= limiter.limit < 10, "a slow API is still used, by a quarter at least"
    feed(limiter, 0.1)
    assert limiter.limit == 16


def test_a_lasting_change_of_latency_becomes_normal() -> None:
    limiter = Limiter(16, StillClock())
    feed(limiter, 0.1)
    feed(limiter, 0.5, 5000)
    assert limiter.limit == 16


def test_slow_reads_after_quick_writes_are_no_sign_of_suffering() -> None:
    limiter = Limiter(16, StillClock())
    feed(limiter, 0.02, kind="POST")
    feed(limiter, 2.0, kind="GET")
    assert limiter.limit == 16


@pytest.mark.parametrize(("before", "after"), [(0.001, 0.05), (0.04, 0.09)])
def test_small_differences_are_no_sign_of_suffering(before: float, after: float) -> None:
    limiter = Limiter(16, StillClock())
    feed(limiter, before)
    feed(limiter, after, 32)
    assert limiter.limit == 16


def test_answers_are_compared_by_windows_of_32() -> None:
    limiter = Limiter(16, StillClock())
    feed(limiter, 0.1, 32)
    feed(limiter, 0.5, 31)
    assert limiter.limit == 16
    feed(limiter, 0.5, 1)
    assert limiter.limit == 12


def test_twice_as_slow_or_a_tenth_of_a_second_slower_is_not_slow_yet() -> None:
    limiter = Limiter(16, StillClock())
    feed(limiter, 0.125, 32)
    feed(limiter, 0.25, 32)
    assert limiter.limit == 16

    limiter = Limiter(16, StillClock())
    feed(limiter, 0, 32)
    feed(limiter, 0, 31)
    feed(limiter, 3.2, 1)
    assert limiter.limit == 16, "a tenth of a second each, on average"


def test_a_place_that_is_given_back_is_one_place() -> None:
    async def run() -> list[bool]:
        limiter = Limiter(3, StillClock())
        for _ in range(3):
            await limiter.acquire()
        others = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        limiter.release()
        await asyncio.sleep(0)
        done = [other.done() for other in others]
        limiter.release()
        await asyncio.wait_for(asyncio.gather(*others), 1)
        return done

    assert asyncio.run(run()) == [True, False]


def test_good_answers_raise_a_lowered_limit_by_one_a_round_and_let_waiting_ones_in() -> None:
    async def run() -> list[int]:
        limiter = Limiter(4, StillClock())
        for _ in range(2):
            limiter.too_much(limiter._clock.now())
        await limiter.acquire()
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        assert not waiting.done()
        limits = []
        for _ in range(6):
            limiter.went_well("POST", 0.1)
            limits.append(limiter.limit)
        await asyncio.wait_for(waiting, 1)
        return limits

    assert asyncio.run(run()) == [2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize(("good", "limit"), [(0, 8), (8, 8), (9, 16), (31, 16)])
def test_a_refusal_among_ten_answers_at_least_is_that_requests_own_affair(good: int, limit: int) -> None:
    clock = StillClock()
    limiter = Limiter(16, clock)
    feed(limiter, 0.1, good)
    limiter.too_much(clock.now())
    limiter.pause(30)
    asyncio.run(limiter.acquire())
    assert (limiter.limit, sum(clock.waits) >= 30) == (limit, limit == 8)


def test_of_earlier_answers_only_the_latest_32_tell_whether_refusals_are_few() -> None:
    clock = StillClock()
    limiter = Limiter(16, clock)
    feed(limiter, 0.1, 1000)
    for _ in range(3):
        clock.ahead += 1
        limiter.too_much(clock.now())
    assert limiter.limit == 16
    clock.ahead += 1
    limiter.too_much(clock.now())
    assert limiter.limit == 8


def test_a_longer_pause_is_not_cut_short_by_a_shorter_one() -> None:
    clock = StillClock()
    limiter = Limiter(16, clock)
    limiter.pause(60)
    limiter.pause(5)
    asyncio.run(limiter.acquire())
    assert clock.ahead >= 60
    limiter.pause(0.9)
    asyncio.run(limiter.acquire())
    assert len(clock.waits) == 2, "a short one is waited for, too"


class Earliest(StillClock):
    def uniform(self, low: float, high: float) -> float:  # noqa: ARG002
        return low


@pytest.mark.parametrize(("clock", "about"), [(Earliest(), 30), (StillClock(), 31)], ids=["at once", "at last"])
def test_a_pause_holds_back_every_request_until_a_second_after_it_at_last(clock: StillClock, about: int) -> None:
    async def run() -> list[float]:
        limiter, started = Limiter(4, clock), clock.now()
        limiter.pause(30)
        times = []
        for _ in range(4):
            await limiter.acquire()
            times.append(clock.now() - started)
        return times

    assert [round(time) for time in asyncio.run(run())] == [about] * 4


def test_retry_after_holds_back_requests_that_met_no_refusal_themselves() -> None:
    class Waiting(StillClock):
        """Sleeping lasts until the test ends it."""

        over = asyncio.Event()

        async def sleep(self, seconds: float) -> None:
            await self.over.wait()
            self.ahead += seconds

    with FakeApi() as api:
        clock = Waiting()

        async def work(client: EdFiClient) -> int:
            await client.upsert("students", {})
            api.fail(answers(429, Retry_After="60"))
            refused = asyncio.create_task(client.upsert("students", {}))
            await asyncio.sleep(0.05)
            others = [asyncio.create_task(client.upsert("students", {})) for _ in range(3)]
            await asyncio.sleep(0.05)
            sent_meanwhile = len(api.data_requests()) - 2
            clock.over.set()
            await asyncio.gather(refused, *others)
            return sent_meanwhile

        assert with_client(api, work, clock=clock) == 0
    assert len(api.data_requests()) == 6


def test_a_caller_that_gives_up_waiting_leaves_its_place_to_others() -> None:
    async def run() -> int:
        limiter = Limiter(1, StillClock())
        await limiter.acquire()
        first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        limiter.release()
        await asyncio.wait_for(second, 1)

        third = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        limiter.release()
        third.cancel()  # its turn has come, but it has not run since
        await asyncio.gather(third, return_exceptions=True)
        await asyncio.wait_for(limiter.acquire(), 1)
        return limiter.limit

    assert asyncio.run(run()) == 1


def test_a_caller_that_gives_up_waiting_gives_back_no_place_that_it_never_had() -> None:
    async def run() -> bool:
        limiter = Limiter(1, StillClock())
        await limiter.acquire()
        first = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        second = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        done = second.done()
        limiter.release()
        await asyncio.wait_for(second, 1)
        return done

    assert asyncio.run(run()) is False


def test_a_caller_that_gives_up_in_a_pause_leaves_its_place_to_others() -> None:
    class Endless(StillClock):
        async def sleep(self, seconds: float) -> None:  # noqa: ARG002
            await asyncio.Event().wait()

    async def run() -> None:
        clock = Endless()
        limiter = Limiter(1, clock)
        limiter.pause(10)
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        clock.ahead += 11
        await asyncio.wait_for(limiter.acquire(), 1)

    asyncio.run(run())


def refuses(circuit: Circuit) -> bool:
    try:
        circuit.admit()
    except CircuitOpen:
        return True
    return False


def test_an_open_circuit_lets_one_caller_through_every_30_seconds() -> None:
    clock = StillClock()
    circuit = Circuit(clock)
    for _ in range(4):
        circuit.gave_up()
        assert not refuses(circuit)
    circuit.gave_up()
    assert refuses(circuit)

    for _ in range(2):
        clock.ahead += 29
        assert refuses(circuit)
        clock.ahead += 1.5
        assert [refuses(circuit) for _ in range(3)] == [False, True, True]
    clock.ahead += 20
    circuit.gave_up()
    clock.ahead += 20
    assert refuses(circuit), "the one that was let through, and failed, keeps it open"
    circuit.answered()
    assert not refuses(circuit)


def test_an_answer_between_failures_lets_them_count_anew() -> None:
    circuit = Circuit(StillClock())
    for _ in range(3):
        for _ in range(4):
            circuit.gave_up()
        assert not refuses(circuit)
        circuit.answered()


def test_an_api_that_asked_to_be_left_alone_is_left_alone_for_as_long() -> None:
    clock = StillClock()
    circuit = Circuit(clock)
    circuit.hold(1000)
    clock.ahead += 999
    assert refuses(circuit)
    clock.ahead += 1.5
    assert not refuses(circuit)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "Wed, 21 Oct 2015 07:29:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 -0000", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "no date"}, 0),
    ],
)
def test_retry_after_in_both_forms(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after(headers, StillClock()) == seconds
