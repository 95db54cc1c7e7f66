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

from edfi_cte.hooks.edfi import EdFiHook, config_of
from edfi_cte.ods import ConfigurationError, EdFiClient, MemoryTokenStore, NotFound
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


def test_a_connection_without_a_host_is_named() -> None:
    with pytest.raises(ConfigurationError, match="connection edfi_2026 has no host"):
        config_of(Connection(conn_id="edfi_2026", conn_type="edfi", login="k", password="s"))
