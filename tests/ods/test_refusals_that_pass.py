"""What is worth another try, how long it is waited for, and when an API that is down is left alone.

Each test counts the requests the API got. Waits pass on a still clock.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edfi_cte.ods import (
    CircuitOpen,
    EdFiClient,
    EdFiError,
    Misconfigured,
    RateLimited,
    ServerFault,
    Unavailable,
    ValidationFailed,
    WrongRoute,
)
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import STUDENT, TRIES, FakeApi, Fault, StillClock, read, upsert, with_client
from tests.ods.faults import answers, http_date, problem, reset

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
