"""The ledger transactions of a step that sends, one at a time, from many coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from edfi_cte.ledger import old_documents

T = TypeVar("T")


class OneWriter:
    """``writing`` opens a transaction, as :meth:`~edfi_cte.sync.lane.Lane.writing` does.

    All of them renew the lease, so side by side they would wait for each other in the database: asleep, on SQLite.
    """

    def __init__(self, writing: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._writing = writing
        self._turn = asyncio.Lock()
        self._old: dict[int, str] = {}

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """What ``work`` returns, once its transaction is committed."""
        async with self._turn:
            return await asyncio.to_thread(self._write, work)

    async def keep_old(self, event_id: int, body: str) -> None:
        """Keep an event's old document. Those that come while a transaction is under way go into one together."""
        self._old[event_id] = body
        async with self._turn:
            if event_id not in self._old:
                return  # another took it along
            batch = dict(self._old)
            await asyncio.to_thread(self._write, partial(old_documents.keep, bodies=batch))
            # Only now: where writing fails, each that waits must find that its own is not kept.
            for kept in batch:
                del self._old[kept]

    def _write(self, work: Callable[[sa.Connection], T]) -> T:
        with self._writing() as connection:
            return work(connection)
