"""Whole collections: every item once, though rows come and go meanwhile; or an error, never a short list."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
from aiohttp import web

from edfi_cte.ods import EdFiClient, EdFiError, IncompleteRead, LimitRefused, MalformedAnswer
from edfi_cte.ods.paging import SeenHashes
from tests.ods.dialects import DIALECTS
from tests.ods.fake_api import FakeApi, with_client
from tests.ods.faults import answers, problem

EVERY_DIALECT = pytest.mark.parametrize("dialect", list(DIALECTS))


async def ids(client: EdFiClient, resource: str = "students") -> list[str]:
    return [row["id"] async for row in client.iterate(resource)]


async def all_lists(client: EdFiClient) -> list[list[str]]:
    return [[row["id"] for row in rows] async for rows in client.pages("students")]


def pages(api: FakeApi) -> list[dict[str, str]]:
    return [seen.query for seen in api.data_requests("GET") if "limit" in seen.query or "pageSize" in seen.query]


@EVERY_DIALECT
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 21, 49, 50, 51, 100, 101, 337])
def test_every_item_comes_once(dialect: str, count: int) -> None:
    with FakeApi(DIALECTS[dialect], max_limit=10) as api:
        wanted = api.add("students", count)
        read = with_client(api, ids, page_size=10)

    assert sorted(read) == sorted(wanted)
    assert len(pages(api)) <= count / 9 + 3, "a page more for the end and one for what is read twice, not many"


@EVERY_DIALECT
def test_a_small_collection_costs_one_request(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        api.add("students", 37)
        with_client(api, ids)
    assert len(api.data_requests()) == 1


def test_partitions_are_read_side_by_side() -> None:
    with FakeApi(DIALECTS["7.3"], max_limit=10) as api:
        wanted = api.add("students", 1000)
        api.delay = 0.005
        read = with_client(api, ids, page_size=10)

    assert sorted(read) == sorted(wanted)
    assert api.most_in_flight > 8
    assert [seen.query["number"] for seen in api.data_requests() if seen.path.endswith("/partitions")] == ["16"]
    assert len({query["pageToken"] for query in pages(api)[1:]}) == len(pages(api)) - 1, "no page is read twice"


@pytest.mark.parametrize(
    "refusal", [answers(404), answers(403), problem(400, "bad-request:parameter-validation-failed")]
)
def test_without_partitions_one_cursor_reads_it_all(refusal: Any) -> None:
    async def no_partitions(api: FakeApi, request: web.Request) -> web.StreamResponse:
        return await refusal(api, request)

    async def first_page(api: FakeApi, request: web.Request) -> web.StreamResponse:
        return api.serve_data(request, b"")

    with FakeApi(DIALECTS["7.3"], max_limit=10) as api:
        wanted = api.add("students", 300)
        api.fail(first_page, no_partitions)
        assert sorted(with_client(api, ids, page_size=10)) == sorted(wanted)
    assert all("offset" not in query for query in pages(api)[1:])


class Item(msgspec.Struct):
    """An item as a caller may want it."""

    id: str


@EVERY_DIALECT
def test_pages_may_be_decoded_by_the_caller_who_may_keep_the_ids_too(dialect: str) -> None:
    """A page that the caller's decoder can't read comes as dicts."""
    turns = itertools.count()
    seen = SeenHashes()

    def decode(body: bytes) -> list[Any] | None:
        return msgspec.json.decode(body, type=list[Item]) if next(turns) % 2 else None

    async def work(client: EdFiClient) -> list[Any]:
        async with aclosing(client.pages("students", decode=decode, seen=seen)) as lists:
            return [row async for rows in lists for row in rows]

    with FakeApi(DIALECTS[dialect], max_limit=10) as api:
        wanted = api.add("students", 95)
        rows = with_client(api, work, page_size=10)
    assert sorted(row["id"] if isinstance(row, dict) else row.id for row in rows) == sorted(wanted)
    assert {type(row) for row in rows} == {dict, Item}
    assert len(seen) == 95


class Mover:
    """Changes the collection before each page is served, and remembers what was there all the while."""

    def __init__(self, api: FakeApi, change: Callable[[Mover, int], None]) -> None:
        self.api, self.change, self.pages = api, change, 0
        self.always = set(api.items["students"])
        api.on_page = self

    def __call__(self) -> None:
        self.pages += 1
        if 1 < self.pages < 40:
            self.change(self, self.pages)

    def remove(self, *positions: int) -> None:
        ordered = sorted(self.api.items["students"], key=lambda i: self.api.items["students"][i]["studentUniqueId"])
        for position in positions:
            if position < len(ordered):
                del self.api.items["students"][ordered[position]]
                self.always.discard(ordered[position])

    def insert(self, key: str) -> None:
        self.api.put_item("students", {"studentUniqueId": key})


def remove_at_the_start(mover: Mover, page: int) -> None:
    mover.remove(0, 1, 2)


def remove_at_the_end(mover: Mover, page: int) -> None:
    mover.remove(len(mover.api.items["students"]) - 1)


def remove_where_the_reader_is(mover: Mover, page: int) -> None:
    mover.remove(*range(max(page * 6 - 3, 0), page * 6 + 3))


def remove_many(mover: Mover, page: int) -> None:
    mover.remove(*range(12))


def insert_at_the_start(mover: Mover, page: int) -> None:
    for n in range(3):
        mover.insert(f"000000-{page:03}-{n}")


def insert_everywhere(mover: Mover, page: int) -> None:
    for n in range(0, 200, 17):
        mover.insert(f"{n:06d}-{page:03}")


def insert_and_remove(mover: Mover, page: int) -> None:
    insert_at_the_start(mover, page)
    mover.remove(5, 50, 100)


def remove_and_append(mover: Mover, page: int) -> None:
    mover.remove(0, 1)
    mover.insert(f"9{page:05d}")
    mover.insert(f"9{page:05d}-b")


@EVERY_DIALECT
@pytest.mark.parametrize(
    "change",
    [
        remove_at_the_start,
        remove_at_the_end,
        remove_where_the_reader_is,
        remove_many,
        insert_at_the_start,
        insert_everywhere,
        insert_and_remove,
        remove_and_append,
    ],
)
def test_what_is_there_all_the_while_is_read_though_rows_come_and_go(
    dialect: str, change: Callable[[Mover, int], None]
) -> None:
    with FakeApi(DIALECTS[dialect], max_limit=10) as api:
        api.add("students", 200)
        mover = Mover(api, change)
        read = with_client(api, ids, page_size=10)

    assert mover.pages > 3
    assert len(read) == len(set(read))
    assert mover.always <= set(read)


def remove_the_first_page(mover: Mover, page: int) -> None:
    if page == 2:
        mover.remove(0, 1)


def test_pages_of_two_go_back_where_their_anchor_has_gone() -> None:
    with FakeApi(DIALECTS["5.3"], max_limit=10) as api:
        api.add("students", 8)
        mover = Mover(api, remove_the_first_page)
        lists = with_client(api, all_lists, page_size=2)

    assert mover.always <= {identity for rows in lists for identity in rows}
    offsets = [int(query["offset"]) for query in pages(api)]
    assert offsets[:3] == [0, 1, 0], "the second page begins with nothing known: from the start again"


@EVERY_DIALECT
def test_fewer_items_than_counted_are_an_error(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect], max_limit=10) as api:
        api.add("students", 35)
        full = api._page

        def short(request: web.Request, held: dict[str, Any]) -> web.Response:
            response = full(request, held)
            if "Total-Count" in response.headers:
                response.headers["Total-Count"] = "36"
            return response

        api._page = short  # type: ignore[method-assign]
        with pytest.raises(IncompleteRead, match="35 items came, the API counts 36"):
            with_client(api, ids, page_size=10)


@EVERY_DIALECT
def test_a_collection_without_a_count_is_an_error(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect]) as api:
        api.fail(answers(200, []), answers(200, []))
        with pytest.raises(MalformedAnswer, match="Total-Count"):
            with_client(api, ids)
        with pytest.raises(MalformedAnswer, match="Total-Count"):
            with_client(api, lambda client: client.total_count("students"))


@EVERY_DIALECT
def test_a_smaller_limit_is_learnt_once(dialect: str) -> None:
    with FakeApi(DIALECTS[dialect], max_limit=40) as api:
        wanted = api.add("students", 100)

        async def work(client: EdFiClient) -> tuple[list[str], list[str]]:
            return await ids(client), await ids(client)

        first, second = with_client(api, work)
    assert sorted(first) == sorted(second) == sorted(wanted)
    assert api.statuses()[400] == 1
    assert pages(api)[1]["limit"] == "40"


def test_a_limit_that_the_api_does_not_name_is_halved_for() -> None:
    text = "Limit must be omitted or set to a value between 1 and max value defined in configuration file."

    async def refuse(api: FakeApi, request: web.Request) -> web.StreamResponse:
        return api.refuse(400, "", text)

    with FakeApi(DIALECTS["5.3"]) as api:
        api.add("students", 3)
        api.fail(refuse, refuse)
        assert len(with_client(api, ids)) == 3
    assert [query["limit"] for query in pages(api)] == ["500", "250", "125"]


def test_an_api_that_refuses_every_limit_is_an_error() -> None:
    with FakeApi(DIALECTS["7.3"], max_limit=0) as api, pytest.raises(LimitRefused):
        with_client(api, ids)
    assert len(api.data_requests()) < 12


def test_counts_where_an_empty_page_is_refused() -> None:
    async def refuse(api: FakeApi, request: web.Request) -> web.StreamResponse:
        return api.refuse(400, "", "Limit must be omitted or set to a value between 1 and 500.")

    with FakeApi(DIALECTS["5.3"]) as api:
        api.add("students", 3)
        api.fail(refuse)

        async def work(client: EdFiClient) -> list[int]:
            return [await client.total_count("students") for _ in range(2)]

        assert with_client(api, work) == [3, 3]
    assert [query["limit"] for query in pages(api)] == ["0", "1", "1"]


@pytest.mark.parametrize("emptied", [0, 1, 3])
def test_an_empty_page_with_a_token_is_not_the_last(emptied: int) -> None:
    """DMS, docs/CURSOR-PAGING.md: a page's rows are chosen before they are read, and may be deleted in between."""
    with FakeApi(DIALECTS["dms"], max_limit=10) as api:
        api.add("students", 60)
        full, number = api._page, itertools.count()

        def page(request: web.Request, held: dict[str, Any]) -> web.Response:
            response = full(request, held)
            if next(number) == emptied:
                for row in json.loads(response.body):
                    del held[row["id"]]
                response.body = b"[]"
            return response

        api._page = page  # type: ignore[method-assign, assignment]
        read = with_client(api, ids, page_size=10)

    assert sorted(read) == sorted(api.items["students"])
    assert sum("offset" in query for query in pages(api)) <= 2, "the collection is read once; only its count, again"


def test_a_page_token_that_stands_still_is_an_error() -> None:
    with FakeApi(DIALECTS["7.3"], max_limit=10) as api:
        api.add("students", 30)
        full = api._page

        def stuck(request: web.Request, held: dict[str, Any]) -> web.Response:
            response = full(request, held)
            if "pageToken" in request.query:
                response.headers["Next-Page-Token"] = request.query["pageToken"]
            return response

        api._page = stuck  # type: ignore[method-assign]
        with pytest.raises(MalformedAnswer, match="does not move on"):
            with_client(api, ids, page_size=10)


@pytest.mark.parametrize("dialect", ["5.3", "6.2", "7.1"])
def test_an_offset_that_is_ignored_is_an_error(dialect: str) -> None:
    """As by a gateway that caches by path: the first page comes for ever."""
    with FakeApi(DIALECTS[dialect], max_limit=10) as api:
        api.add("students", 30)
        full, first = api._page, []

        def cached(request: web.Request, held: dict[str, Any]) -> web.Response:
            first.append(full(request, held))
            return web.Response(body=first[0].body, headers={"Total-Count": "30"}, content_type="application/json")

        api._page = cached  # type: ignore[method-assign]
        with pytest.raises(MalformedAnswer, match="do not move on"):
            with_client(api, lambda client: asyncio.wait_for(ids(client), 10), page_size=10)
        assert len(pages(api)) < 20


def test_a_fault_in_one_partition_ends_the_reading() -> None:
    with FakeApi(DIALECTS["7.3"], max_limit=10) as api:
        api.add("students", 1000)

        async def work(client: EdFiClient) -> None:
            async for _ in client.pages("students"):
                api.faults = [answers(403)] * 1000

        with pytest.raises(EdFiError):
            with_client(api, work, page_size=10)
        before = len(api.seen)
    assert len(api.seen) == before


def test_another_namespace_is_another_path() -> None:
    with FakeApi() as api:
        api.put_item("tpdm/candidates", {"n": 1})
        assert len(with_client(api, lambda client: ids(client, "tpdm/candidates"))) == 1
    assert api.data_requests()[0].path == "/data/v3/tpdm/candidates"
