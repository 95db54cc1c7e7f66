"""Page by page: what a reader asks of a collection, in which order, and when it has enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

from edfi_cte.ods import IncompleteRead, MalformedAnswer
from edfi_cte.ods.paging import Page, SeenHashes, read_pages

Asked = tuple[str, Any]


def identity(number: int) -> str:
    return f"{number:032x}"


class Shelf:
    """A collection of ``rows`` whose pages hold ``limit``; what it is asked for is noted."""

    name = "things"
    concurrency = 4

    def __init__(self, rows: int, limit: int = 10, *, cursor: bool = False, counted: int | None = None) -> None:
        self.rows = [{"id": identity(number)} for number in range(rows)]
        self.limit = limit
        self.cursor_paging = cursor
        self.counted = self.counted_again = rows if counted is None else counted
        self.asked: list[Asked] = []
        self.on_page: Callable[[], None] = lambda: None

    def _ask(self, kind: str, value: Any) -> None:
        self.asked.append((kind, value))
        self.on_page()

    def _page(self, start: int, end: int, total: int | None = None) -> Page:
        rows = self.rows[start : min(start + self.limit, end)]
        after = start + self.limit
        return Page(rows, self.limit, total, f"{after}-{end}" if self.cursor_paging and after < end else None)

    async def first(self) -> Page:
        self._ask("first", None)
        return self._page(0, len(self.rows), self.counted)

    async def at_offset(self, offset: int) -> Page:
        self._ask("offset", offset)
        return self._page(offset, len(self.rows))

    async def at_token(self, token: str) -> Page:
        self._ask("token", token)
        await asyncio.sleep(0)
        start, end = map(int, token.split("-"))
        return self._page(start, end)

    async def partitions(self, number: int) -> list[str] | None:
        self.asked.append(("partitions", number))
        cuts = [len(self.rows) * part // number for part in range(number + 1)]
        return [f"{start}-{end}" for start, end in pairwise(cuts)]

    async def total(self) -> int:
        self.asked.append(("total", None))
        return self.counted_again

    def of_kind(self, kind: str) -> list[Any]:
        return [value for name, value in self.asked if name == kind]


def lists(shelf: Shelf, **options: Any) -> list[list[str]]:
    async def run() -> list[list[str]]:
        async with aclosing(read_pages(shelf, **options)) as pages:
            return [[row["id"] for row in rows] async for rows in pages]

    return asyncio.run(asyncio.wait_for(run(), 0.8))


def read(shelf: Shelf) -> list[str]:
    return [row for rows in lists(shelf) for row in rows]


@pytest.mark.parametrize(
    ("rows", "offsets"),
    [
        (0, []),
        (9, []),
        (10, []),
        (11, [9]),
        (18, [9]),
        (19, [9, 18]),
        (20, [9, 18]),
        (28, [9, 18, 27]),
        (30, [9, 18, 27]),
    ],
)
def test_each_page_by_offset_begins_with_the_last_row_of_the_one_before(rows: int, offsets: list[int]) -> None:
    shelf = Shelf(rows)
    assert read(shelf) == [identity(number) for number in range(rows)]
    assert (shelf.of_kind("offset"), shelf.of_kind("first"), shelf.of_kind("total")) == (offsets, [None], [])


def test_a_reader_by_offset_steps_back_where_the_rows_have_moved() -> None:
    shelf = Shelf(40)

    def two_go() -> None:
        if len(shelf.asked) == 2:
            del shelf.rows[:2]
            shelf.counted_again -= 2

    shelf.on_page = two_go
    assert set(read(shelf)) == {identity(number) for number in range(40)}
    assert shelf.of_kind("offset")[:4] == [9, 0, 9, 18]


def test_a_step_back_is_of_one_page_less_one_row() -> None:
    shelf = Shelf(60)

    def many_go() -> None:
        if shelf.asked[-1] == ("offset", 36) and len(shelf.rows) == 60:
            del shelf.rows[10:15]

    shelf.on_page = many_go
    assert len(read(shelf)) == 60
    assert shelf.of_kind("offset")[:6] == [9, 18, 27, 36, 27, 36]


def test_a_reader_that_is_back_at_the_start_takes_what_it_finds_there() -> None:
    shelf = Shelf(40)

    def others_come() -> None:
        if len(shelf.asked) == 2:
            shelf.rows[:12] = [{"id": identity(number)} for number in range(90, 95)]
            shelf.counted_again = len(shelf.rows)

    shelf.on_page = others_come
    assert set(read(shelf)) == {identity(number) for number in (*range(40), *range(90, 95))} - {
        identity(10),
        identity(11),
    }
    assert shelf.of_kind("offset")[:3] == [9, 0, 9]


def test_rows_that_are_never_reached_are_looked_for_three_times() -> None:
    shelf = Shelf(15, counted=16)
    with pytest.raises(IncompleteRead, match=r"^GET things: 15 items came, the API counts 16\."):
        read(shelf)
    assert (len(shelf.of_kind("first")), len(shelf.of_kind("total"))) == (3, 3)


@pytest.mark.parametrize("cursor", [False, True])
def test_a_first_page_without_rows_ends_the_pass_though_more_are_counted(cursor: bool) -> None:
    shelf = Shelf(0, counted=3, cursor=cursor)
    with pytest.raises(IncompleteRead, match="0 items came, the API counts 3"):
        read(shelf)
    assert {kind for kind, _ in shelf.asked} == {"first", "total"}


@pytest.mark.parametrize(("again", "passes"), [(14, 1), (15, 1), (16, 3), (99, 3)])
def test_of_two_counts_the_smaller_is_enough(again: int, passes: int) -> None:
    """Rows that go while they are read are not missed, and those that come need not be there."""
    shelf = Shelf(15, counted=16)
    shelf.counted_again = again
    if passes == 1:
        assert len(read(shelf)) == 15
    else:
        with pytest.raises(IncompleteRead, match="the API counts 16"):
            read(shelf)
    assert len(shelf.of_kind("first")) == passes


@pytest.mark.parametrize("cursor", [False, True])
def test_a_second_pass_gives_what_the_first_had_not(cursor: bool) -> None:
    shelf = Shelf(30, counted=31, cursor=cursor)
    shelf.counted_again = 31

    def one_comes() -> None:
        if len(shelf.of_kind("first")) == 2 and len(shelf.rows) == 30:
            shelf.rows.append({"id": identity(30)})

    shelf.on_page = one_comes
    assert sorted(read(shelf)) == [identity(number) for number in range(31)]
    assert len(shelf.of_kind("first")) == 2


def test_lists_without_anything_new_are_left_out_and_the_callers_own_ids_count() -> None:
    seen = SeenHashes()
    assert [seen.add(identity(0)), seen.add(identity(0)), len(seen)] == [True, False, 1]
    assert lists(Shelf(3), seen=seen) == [[identity(1), identity(2)]]
    assert lists(Shelf(3), seen=seen) == []


def test_an_offset_that_is_ignored_is_noticed_after_eleven_pages_without_news() -> None:
    class Stuck(Shelf):
        async def at_offset(self, offset: int) -> Page:
            self.asked.append(("offset", offset))
            return self._page(0, 10)

    shelf = Stuck(30)
    with pytest.raises(MalformedAnswer, match="GET things: the pages do not move on with the offset"):
        read(shelf)
    assert len(shelf.of_kind("offset")) == 11


def test_a_short_page_with_news_is_not_the_last_while_more_are_counted() -> None:
    """Others may add to the end meanwhile."""
    shelf = Shelf(15, counted=16)

    def one_comes() -> None:
        if shelf.asked[-1] == ("offset", 14):
            shelf.rows.append({"id": identity(15)})

    shelf.on_page = one_comes
    assert read(shelf) == [identity(number) for number in range(16)]
    assert (shelf.of_kind("offset"), shelf.of_kind("first")) == ([9, 14], [None])


def test_pages_without_news_count_anew_after_news() -> None:
    """Ten in a row may be those that others' inserts have pushed back."""

    class Halting(Shelf):
        """Each new page comes ten times more."""

        async def at_offset(self, offset: int) -> Page:  # noqa: ARG002
            turn = len(self.of_kind("offset"))
            self.asked.append(("offset", turn))
            start = (turn // 11 + 1) * 9
            return self._page(start, len(self.rows))

    assert len(read(Halting(28))) == 28


@pytest.mark.parametrize(
    ("rows", "concurrency", "numbers"),
    [(99, 4, []), (100, 4, [2]), (149, 4, [2]), (150, 4, [3]), (400, 4, [4]), (250, 9, [5])],
)
def test_a_large_collection_is_cut_into_no_more_parts_than_are_read_at_once(
    rows: int, concurrency: int, numbers: list[int]
) -> None:
    shelf = Shelf(rows, cursor=True)
    shelf.concurrency = concurrency
    assert sorted(read(shelf)) == [identity(number) for number in range(rows)]
    assert (shelf.of_kind("partitions"), shelf.of_kind("offset")) == (numbers, [])


def test_no_collection_is_cut_into_more_than_200_parts() -> None:
    shelf = Shelf(2100, limit=2, cursor=True)
    shelf.concurrency = 1000
    assert len(read(shelf)) == 2100
    assert shelf.of_kind("partitions") == [200]


def test_where_no_parts_are_named_the_first_pages_token_leads_on() -> None:
    class Whole(Shelf):
        async def partitions(self, number: int) -> list[str] | None:  # noqa: ARG002
            return None

    shelf = Whole(120, cursor=True)
    assert read(shelf) == [identity(number) for number in range(120)]
    assert shelf.of_kind("token") == [f"{start}-120" for start in range(10, 120, 10)]


@pytest.mark.parametrize("has_token", [False, True])
def test_an_api_without_cursors_or_a_page_without_a_token_is_read_by_offset(has_token: bool) -> None:
    class Mixed(Shelf):
        async def first(self) -> Page:
            page = await super().first()
            return page._replace(next_token="10-30" if has_token else None)

    shelf = Mixed(30, cursor=not has_token)
    assert len(read(shelf)) == 30
    assert (shelf.of_kind("token"), bool(shelf.of_kind("offset"))) == ([], True)


def test_a_token_that_stands_still_is_malformed() -> None:
    class Stuck(Shelf):
        async def at_token(self, token: str) -> Page:
            return (await super().at_token(token))._replace(next_token=token)

    with pytest.raises(MalformedAnswer, match="GET things: the page token does not move on"):
        read(Stuck(30, cursor=True))


@pytest.mark.parametrize("row", [{}, {"id": 7}, {"id": "x"}, "x", None])
def test_an_item_without_an_id_is_malformed(row: Any) -> None:
    shelf = Shelf(0, counted=1)
    shelf.rows = [row]
    with pytest.raises(MalformedAnswer, match="GET things was answered with an item that has no id"):
        read(shelf)


@pytest.mark.parametrize("at", [2, 3])
def test_readers_side_by_side_end_with_the_first_that_fails(at: int) -> None:
    """Nothing is asked for after it, and nothing goes on in the background."""

    class Failing(Shelf):
        async def at_token(self, token: str) -> Page:
            page = await super().at_token(token)
            if len(self.of_kind("token")) >= 4 * at:
                raise IncompleteRead("broken")
            return page

    async def run() -> tuple[int, int, int]:
        shelf = Failing(400, cursor=True)
        with pytest.raises(IncompleteRead, match="broken"):
            async for _ in read_pages(shelf):
                pass
        left, asked = len(asyncio.all_tasks()) - 1, len(shelf.asked)
        for _ in range(5):
            await asyncio.sleep(0)
        return left, asked, len(shelf.asked)

    left, asked, later = asyncio.run(run())
    assert (left, later) == (0, asked)
