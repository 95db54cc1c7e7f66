"""Reads a whole collection, so that nothing is missed while others write to it, and proves it by the API's count.

ODS/API 7.3+ and the DMS page by cursor: a page covers a range of row numbers, which no insert or delete can shift,
and /partitions cuts the collection into ranges that are read side by side. Older ones page by offset: each page is
asked for one row early, and where its first row is not one already seen, rows have moved and the reader steps back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

from . import errors
from .values import item_id

Row = Any
"""A dict, or whatever the caller decodes an item to: then its id is an attribute of that name."""
Parameters = Sequence[tuple[str, str]]

_PASSES = 3
_PAGES_WITHOUT_NEWS = 10
_PARTITION_PAGES = 5
"""ODS/API 7.3 makes no partition smaller than five full pages."""
_MOST_PARTITIONS = 200


class Page(NamedTuple):
    """``limit`` is what was asked for; ``total`` and ``next_token`` are None where the answer has none."""

    rows: list[Row]
    limit: int
    total: int | None
    next_token: str | None


class PageSource(Protocol):
    """One collection, with its filters."""

    name: str
    cursor_paging: bool
    concurrency: int

    async def first(self) -> Page:
        """From offset 0, with the total."""

    async def at_offset(self, offset: int) -> Page: ...

    async def at_token(self, token: str) -> Page: ...

    async def partitions(self, number: int) -> list[str] | None:
        """The tokens of about ``number`` partitions; None where the API has no such thing."""

    async def total(self) -> int: ...


class Seen(Protocol):
    """The ids that came."""

    def __len__(self) -> int: ...

    def add(self, identity: str) -> bool:
        """Whether it is the first time that this id comes."""


class SeenHashes:
    """Ids as hashes: were two ever equal, the count would not be reached."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, identity: str) -> bool:
        before = len(self._hashes)
        self._hashes.add(hash(identity))
        return len(self._hashes) > before


async def read_pages(source: PageSource, seen: Seen | None = None) -> AsyncGenerator[list[Row], None]:
    """Lists of rows, each row once by its id; ``seen`` keeps the ids.

    Rows that are there from start to end are among them. Raises IncompleteRead after the last list if fewer came
    than the API counts, even after reading again.
    """
    seen = SeenHashes() if seen is None else seen
    for _ in range(_PASSES):
        first = await source.first()
        async with aclosing(_one_pass(source, first)) as lists:
            async for rows in lists:
                if fresh := _fresh(rows, seen, source.name):
                    yield fresh
        counted = _total(first, source.name)
        if len(seen) < counted:
            counted = min(counted, await source.total())
        if len(seen) >= counted:
            return
    raise errors.IncompleteRead(f"GET {source.name}: {len(seen)} items came, the API counts {counted}.")


def _total(page: Page, name: str) -> int:
    if page.total is None:
        raise errors.MalformedAnswer(f"GET {name} was answered without a Total-Count header.")
    return page.total


def _fresh(rows: list[Row], seen: Seen, name: str) -> list[Row]:
    """The rows not seen before."""
    return [row for row in rows if seen.add(_id(row, name))]


def _id(row: Row, name: str) -> str:
    identity = row.get("id") if isinstance(row, dict) else getattr(row, "id", None)
    if (found := item_id(identity)) is None:
        raise errors.MalformedAnswer(f"GET {name} was answered with an item that has no id.")
    return found


async def _one_pass(source: PageSource, first: Page) -> AsyncGenerator[list[Row], None]:
    yield first.rows
    if len(first.rows) >= _total(first, source.name):
        return
    if source.cursor_paging and first.next_token:
        pages = _by_partition(source, await _partitions(source, first) or [first.next_token])
    elif first.rows:
        pages = _by_offset(source, first)
    else:
        return
    async with aclosing(pages):
        async for rows in pages:
            yield rows


async def _partitions(source: PageSource, first: Page) -> list[str] | None:
    """Tokens for side-by-side reading, where the collection is large enough to be cut."""
    parts = _total(first, source.name) // (_PARTITION_PAGES * first.limit)
    if parts < 2:
        return None
    return await source.partitions(min(parts, source.concurrency, _MOST_PARTITIONS))


async def _by_partition(source: PageSource, tokens: Sequence[str]) -> AsyncGenerator[list[Row], None]:
    """Pages in the order they come, one in flight for each of ``tokens``.

    A page without a next token is the last. An empty one need not be: its rows may just have been deleted (DMS).
    """
    pending = {asyncio.create_task(source.at_token(token)): token for token in tokens}
    try:
        while pending:
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                token = pending.pop(task)
                page = task.result()
                if page.next_token == token:
                    raise errors.MalformedAnswer(f"GET {source.name}: the page token does not move on.")
                if page.next_token:
                    pending[asyncio.create_task(source.at_token(page.next_token))] = page.next_token
                yield page.rows
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _by_offset(source: PageSource, first: Page) -> AsyncGenerator[list[Row], None]:
    """The pages after ``first``. Needs an order that is the same for every page, which all ODS/APIs have."""
    known = {_id(row, source.name) for row in first.rows}
    offset = len(first.rows) - 1
    without_news = 0
    while True:
        page = await source.at_offset(offset)
        ids = [_id(row, source.name) for row in page.rows]
        if offset > 0 and (not ids or ids[0] not in known):
            offset = max(offset - page.limit + 1, 0)
            continue
        yield page.rows
        news = not known.issuperset(ids)
        known.update(ids)
        if len(ids) < page.limit and (not news or len(known) >= _total(first, source.name)):
            return
        without_news = 0 if news else without_news + 1
        if without_news > _PAGES_WITHOUT_NEWS:
            raise errors.MalformedAnswer(f"GET {source.name}: the pages do not move on with the offset.")
        offset += max(len(ids) - 1, 0)
