"""The hook: the client's verbs as plain calls, over one look-up of the connection, one session and one token."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest
from airflow.providers.common.compat.sdk import BaseHook, Connection

from edfi_cte.hooks.edfi import EdFiHook, _reached, config_of
from edfi_cte.ods import ConfigurationError, EdFiClient, MemoryTokenStore, NotFound, PreconditionFailed
from edfi_cte.ods.results import TokenInfo
from tests.ods.fake_api import FakeApi
from tests.ods.faults import stall

Connect = Callable[..., str]


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that looked up a connection."""
    threads: list[str] = []
    real = BaseHook.get_connection.__func__

    def get_connection(cls: type[BaseHook], conn_id: str) -> Connection:
        threads.append(threading.current_thread().name)
        return real(cls, conn_id)

    monkeypatch.setattr(BaseHook, "get_connection", classmethod(get_connection))
    return threads


def test_reads_and_writes_any_resource(api: FakeApi, connect: Connect) -> None:
    with EdFiHook(connect()) as hook:
        made = hook.upsert("students", {"studentUniqueId": "1", "firstName": "Ada"})
        assert made.id is not None
        assert hook.get("students", made.id)["firstName"] == "Ada"
        assert hook.put("students", made.id, {"studentUniqueId": "1", "firstName": "Eve"}).status == 204
        assert hook.upsert("tpdm/candidates", b'{"studentUniqueId":"7"}').created
        assert [row["firstName"] for row in hook.get_all("students")] == ["Eve"]
        assert hook.get_all("students", {"studentUniqueId": "2"}) == []
        assert hook.total_count("students") == 1
        assert hook.delete("students", made.id) is True
        assert hook.delete("students", made.id) is False
        with pytest.raises(NotFound):
            hook.get("students", made.id)


def test_looks_up_the_connection_once_and_gets_one_token(
    api: FakeApi, connect: Connect, looked_up: list[str]
) -> None:
    with EdFiHook(connect()) as hook:
        for _ in range(10):
            hook.total_count("students")
            hook.config()
            hook.client()
    with EdFiHook(connect()) as hook:
        hook.total_count("students")

    assert len(looked_up) == 2, "once a hook"
    assert api.token_requests == 1, "once a process"


def test_bulk_work_looks_up_the_connection_on_the_calling_thread(
    api: FakeApi, connect: Connect, looked_up: list[str]
) -> None:
    client = EdFiHook(connect()).client()

    async def work() -> None:
        async with client:
            await asyncio.gather(*(client.upsert("students", {"studentUniqueId": str(n)}) for n in range(50)))

    thread = threading.Thread(target=asyncio.run, args=(work(),), name="bulk")
    thread.start()
    thread.join()
    assert len(api.items["students"]) == 50
    assert looked_up == [threading.current_thread().name]


def test_may_be_shared_by_threads(api: FakeApi, connect: Connect) -> None:
    with EdFiHook(connect()) as hook:
        hook.config()
        threads = [
            threading.Thread(target=hook.upsert, args=("students", {"studentUniqueId": str(n)})) for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(api.items["students"]) == 20


def test_a_closed_hook_opens_again(api: FakeApi, connect: Connect) -> None:
    hook = EdFiHook(connect())
    hook.total_count("students")
    hook.close()
    hook.close()
    assert hook.total_count("students") == 0
    hook.close()


def test_closing_ends_the_calls_of_other_threads(api: FakeApi, connect: Connect) -> None:
    api.faults = [stall]
    hook = EdFiHook(connect())
    ended = threading.Event()

    def call() -> None:
        try:
            hook.total_count("students")
        except CancelledError:
            ended.set()

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    while not api.data_requests():
        time.sleep(0.01)
    hook.close()
    assert ended.wait(5)


def test_a_forgotten_hook_leaves_nothing_open(
    api: FakeApi, connect: Connect, recwarn: pytest.WarningsRecorder
) -> None:
    gc.collect()
    recwarn.clear()  # of what other tests left: Python 3.13 also tells of their SQLite connections
    others = set(threading.enumerate())

    EdFiHook(connect()).total_count("students")
    gc.collect()
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
        assert not thread.is_alive(), thread.name
    gc.collect()

    assert [str(one.message) for one in recwarn if one.category is ResourceWarning] == []


def test_plain_verbs_do_not_block_an_event_loop(connect: Connect) -> None:
    hook = EdFiHook(connect())

    async def work() -> None:
        with pytest.raises(RuntimeError, match=r"async with hook\.client"):
            hook.total_count("students")

    asyncio.run(work())


def test_call_runs_work_on_the_hooks_client(api: FakeApi, connect: Connect) -> None:
    async def two(client: EdFiClient) -> int:
        await client.upsert("students", {"studentUniqueId": "1"})
        return await client.total_count("students")

    with EdFiHook(connect()) as hook:
        assert hook.call(two) == 1


def test_shares_its_token_through_a_store(api: FakeApi, connect: Connect) -> None:
    store = MemoryTokenStore()
    for _ in range(2):
        with EdFiHook(connect(), token_store=store) as hook:
            hook.total_count("students")
    assert api.token_requests == 1


def test_a_connection_is_read_as_the_form_shows_it() -> None:
    connection = Connection(
        conn_id="x",
        conn_type="edfi",
        host=" https://ods.example.gov/api/ ",
        login="key",
        password="secret",
        extra='{"school_year": 2026, "page_size": null, "tenant": ""}',
    )
    config = config_of(connection)
    assert (config.base_url, config.client_id, config.client_secret) == (
        "https://ods.example.gov/api",
        "key",
        "secret",
    )
    assert (config.school_year, config.page_size, config.tenant) == (2026, None, None)


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": "ods.example.gov/api"}, "https://ods.example.gov/api"),
        ({"host": "ods.example.gov", "port": 8443}, "https://ods.example.gov:8443"),
        ({"host": "ods.example.gov/api", "port": 8443, "schema": "https"}, "https://ods.example.gov:8443/api"),
        ({"host": "localhost", "port": 8080, "schema": "http"}, "http://localhost:8080"),
    ],
)
def test_a_host_may_come_in_parts(fields: dict[str, str], base_url: str) -> None:
    assert config_of(Connection(conn_id="x", login="k", password="s", **fields)).base_url == base_url


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": "ods.example.gov", "schema": "HTTPS"}, "https://ods.example.gov"),
        ({"host": "ods.example.gov/", "schema": "/v7/api/"}, "https://ods.example.gov/v7/api"),
        ({"host": "https://ods.example.gov/a/", "schema": "b"}, "https://ods.example.gov/a/b"),
        ({"host": "https://ods.example.gov", "schema": "http"}, "https://ods.example.gov"),
        ({"host": "fd00::7", "port": 8443}, "https://[fd00::7]:8443"),
        ({"host": "[fd00::7]"}, "https://[fd00::7]"),
        ({"host": "ods.example.gov:8443"}, "https://ods.example.gov:8443"),
        ({"host": "ods.example.gov:8443/api", "port": 8443}, "https://ods.example.gov:8443/api"),
        ({"host": "https://ods.example.gov/api", "port": 8443}, "https://ods.example.gov:8443/api"),
    ],
)
def test_what_stands_in_parts_is_one_address(fields: dict[str, str], base_url: str) -> None:
    assert config_of(Connection(conn_id="x", login=" k ", password=" s ", **fields)).base_url == base_url


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "none"),
        (1, "1"),
        (10, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        (11, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more"),
        (25, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 15 more"),
    ],
)
def test_of_many_organizations_ten_are_shown(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, count: int, said: str
) -> None:
    async def token_info(self: EdFiClient) -> TokenInfo:
        return TokenInfo(True, "k", tuple(range(1, count + 1)), (), None)

    monkeypatch.setattr(EdFiClient, "token_info", token_info)
    shown = asyncio.run(_reached(EdFiClient(api.config(), token_store=MemoryTokenStore())))
    assert shown == f"Reached ODS/API 7.3, data standard 5.2.0. Education organizations of the key: {said}."


def test_writes_under_a_condition(api: FakeApi, connect: Connect) -> None:
    with EdFiHook(connect()) as hook:
        assert hook.__enter__() is hook
        made = hook.upsert("students", {"studentUniqueId": "1"})
        assert made.id is not None
        with pytest.raises(PreconditionFailed):
            hook.put("students", made.id, {"studentUniqueId": "1"}, if_match="another")
        with pytest.raises(PreconditionFailed):
            hook.delete("students", made.id, if_match="another")
        hook.put("students", made.id, {"studentUniqueId": "1", "firstName": "Eve"}, if_match=made.etag)
        assert hook.total_count("students", {"studentUniqueId": "2"}) == 0
        session = hook._session
    assert session is not None
    assert (session._thread.is_alive(), session._loop.is_closed()) == (False, True), "closed to the end"
    assert hook.get_conn().config == hook.config()


def test_the_button_does_not_block_an_event_loop(connect: Connect) -> None:
    hook = EdFiHook(connect())

    async def work() -> None:
        with pytest.raises(RuntimeError, match=r"async with hook\.client"):
            hook.test_connection()

    asyncio.run(work())


def test_an_interrupted_caller_leaves_no_request_at_work(api: FakeApi, connect: Connect) -> None:
    """As by a task's timeout, which Airflow raises in the caller's thread."""
    with EdFiHook(connect()) as hook:
        hook.total_count("students")
        session = hook._session
        assert session is not None
        under_way: list[asyncio.Task[None] | None] = []

        async def long(_: EdFiClient) -> None:
            under_way.append(asyncio.current_task())
            await asyncio.sleep(30)

        class Interrupt(Exception):
            pass

        def interrupted(self: object, timeout: float | None = None) -> None:
            while not under_way:
                time.sleep(0.001)
            raise Interrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("concurrent.futures.Future.result", interrupted)
            with pytest.raises(Interrupt):
                session.run(long)
        (task,) = under_way
        assert task is not None
        ended = time.monotonic() + 30
        while not task.done() and time.monotonic() < ended:
            time.sleep(0.005)
        assert task.cancelled()


def test_a_connection_without_a_host_is_named() -> None:
    with pytest.raises(ConfigurationError, match="connection edfi_2026 has no host"):
        config_of(Connection(conn_id="edfi_2026", conn_type="edfi", login="k", password="s"))
