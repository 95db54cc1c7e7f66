"""A large collection is read in partitions side by side, and may be left at any page."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from edfi_cte.ods import EdFiClient
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import FakeApi, with_client
from tests.ods.faults import stall


async def ids(client: EdFiClient) -> list[str]:
    return [row["id"] async for row in client.iterate("students")]


@pytest.mark.parametrize(("count", "numbers"), [(99, []), (100, ["2"]), (149, ["2"]), (150, ["3"]), (250, ["5"])])
def test_a_collection_is_cut_into_parts_of_five_pages_at_least(count: int, numbers: list[str]) -> None:
    with FakeApi(DIALECTS["7.3"], max_limit=10) as api:
        api.add("students", count)
        assert len(with_client(api, ids, page_size=10)) == count
    assert [seen.query["number"] for seen in api.data_requests() if seen.path.endswith("/partitions")] == numbers


@pytest.mark.timeout(20)
def test_a_reader_that_leaves_early_waits_for_no_answer_and_leaves_no_request_behind() -> None:
    with FakeApi(DIALECTS["7.3"], max_limit=10) as api:
        api.add("students", 1000)

        async def work(client: EdFiClient) -> list[int]:
            found = []
            async with aclosing(client.pages("students")) as lists:
                async for _ in lists:
                    found.append(len(asyncio.all_tasks()) - 1)
                    if len(found) == 2:
                        api.faults = [stall, stall]
                    if len(found) == 3:
                        break
            return [*found, len(asyncio.all_tasks()) - 1]

        _, _, under_way, left = with_client(api, work, page_size=10)
    assert under_way > 1, "partitions are read side by side"
    assert left == 0
