"""Whoever runs the client may keep back what it writes, at each try; what it reads goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edfi_cte.ods import EdFiClient
from edfi_cte.ods.errors import Halted
from tests.ods.fake_api import FakeApi, with_client
from tests.ods.faults import answers

ID = "a" * 32
WRITES: dict[str, Callable[[EdFiClient], Awaitable[Any]]] = {
    "POST": lambda client: client.upsert("students", {}),
    "PUT": lambda client: client.put("students", ID, {}),
    "DELETE": lambda client: client.delete("students", ID),
    "PATCH": lambda client: client.send("PATCH", "ed-fi/students", body=b"{}"),
    "PATCH, unchecked": lambda client: client.send("PATCH", "ed-fi/students", body=b"{}", check=False),
}


class Gate:
    """Lets so many tries through."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self) -> None:
        if not self.left:
            raise Halted("No more.")
        self.left -= 1


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_write_that_is_kept_back_is_not_sent_at_its_first_or_any_later_try(
    api: FakeApi, write: Callable[[EdFiClient], Awaitable[Any]], left: int
) -> None:
    api.faults = [answers(503)] * 100

    async def work(client: EdFiClient) -> None:
        client.admit = Gate(left)
        with pytest.raises(Halted):
            await write(client)

    with_client(api, work)
    assert len(api.data_requests()) == left


def test_nor_is_it_sent_again_with_a_new_token(api: FakeApi) -> None:
    async def work(client: EdFiClient) -> None:
        client.admit = Gate(2)
        await client.upsert("students", {})
        api.revoke_tokens()
        with pytest.raises(Halted):
            await client.upsert("students", {})

    with_client(api, work)
    assert [seen.status for seen in api.data_requests()] == [201, 401]


def test_reads_are_not_asked_for_leave(api: FakeApi) -> None:
    identity = api.put_item("students", {"studentUniqueId": "1"})

    async def work(client: EdFiClient) -> list[Any]:
        client.admit = Gate(0)
        item = await client.get("students", identity)
        return [item["id"], await client.total_count("students"), len(await client.find("students", {}))]

    assert with_client(api, work) == [identity, 1, 1]
